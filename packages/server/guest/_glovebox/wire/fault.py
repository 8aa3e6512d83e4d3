"""The last word of a process of ours that ends by a fault of its own: what it was, and where."""

import os
import socket

from _glovebox.wire import frames

_REASON_CHARACTERS_MAX = 300


def described(failure: BaseException) -> str:
    """One short line, such as "ValueError: filedescriptor out of range (warden.py:112)"."""
    trace = failure.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    text = ascii(f"{type(failure).__name__}: {failure}")[1:-1][:_REASON_CHARACTERS_MAX]
    if not trace:
        return text
    return f"{text} ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})"


def tell(connection: socket.socket, failure: BaseException) -> None:
    """Say it to the gateway, as far as it is there and reads: nothing keeps a process that has failed."""
    frame = frames.encode({"msg_type": "fault", "content": {"reason": described(failure)}})
    try:
        connection.send(frame, socket.MSG_DONTWAIT)
    except OSError:
        pass
