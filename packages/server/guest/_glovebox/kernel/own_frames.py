"""Tracebacks without the frames of this product: users look for their own lines."""

import os
import types

import _glovebox

_FRAMES_SHOWN_MAX = 100
_OWN_FOLDER = os.path.join(_glovebox.__path__[0], "")


def without_own_frames(trace, keep_caller: bool = False):
    """A traceback without the frames of this product at its two ends: those that called user code,
    and those that user code was in when it was interrupted or printed. `keep_caller` leaves the last
    of the former."""
    chain = []
    while trace is not None:
        chain.append(trace)
        trace = trace.tb_next
    ours = [_is_own(link.tb_frame) for link in chain]
    while ours and ours[-1]:
        ours.pop()
        chain.pop()
    while ours and ours[0] and not (keep_caller and ours[1:2] == [False]):
        ours.pop(0)
        chain.pop(0)
    if len(chain) > _FRAMES_SHOWN_MAX:
        # Endless recursion: IPython would look at each of thousands of frames for seconds.
        half = _FRAMES_SHOWN_MAX // 2
        chain = chain[:half] + chain[-half:]
    rest = None
    for link in reversed(chain):
        rest = types.TracebackType(rest, link.tb_frame, link.tb_lasti, link.tb_lineno)
    return rest


def _is_own(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OWN_FOLDER)
