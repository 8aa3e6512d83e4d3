"""Questions about a session between two cells: completion, inspection, is-complete, variables, scripts.

Each is answered by a fork of the kernel that ends with its answer. Looking at objects can run user
code (`__dir__`, `__getattr__`, a property): in the fork it changes no state, writes no output, cannot
end the session, and is killed when it takes too long, in whatever it hangs.
"""

import gc
import os
import select
import signal
import struct
import time
import warnings
from typing import Callable

from _glovebox.kernel import completion, inspector, scripts
from _glovebox.wire import frames

# A longer answer is refused. The answers bound themselves far below.
_ANSWER_BYTES_MAX = 2 * 1024 * 1024
_READ_BYTES = 65536
_DETAIL_CHARACTERS_MAX = 300
_LENGTH = struct.Struct(">I")

_ANSWERS = {
    "complete": completion.complete,
    "inspect": completion.inspect,
    "is_complete": completion.is_complete,
    "variables": inspector.variables,
    "script": scripts.run,
}
KINDS = frozenset(f"{name}_request" for name in _ANSWERS)


def answer(shell, kind: str, content: dict, send: Callable[[str, dict], None]) -> None:
    """Send the message that answers a request of type `kind`."""
    name = kind.removesuffix("_request")
    deadline = time.monotonic() + content.pop("timeout_ms") / 1000
    try:
        if name == "script":
            scripts.compiled(content["source"])  # What a fork compiles is lost with it.
            if not content.pop("apart"):
                # It looks at nothing that user code has made, so a fork, which costs more than
                # most scripts, would shield from nothing.
                send("script_reply", scripts.run(shell, **content))
                return
        with _Fork(lambda: _ANSWERS[name](shell, **content)) as fork:
            reply = fork.answer(deadline)
            # Before the fork is cleared away, which takes as long as many an answer.
            send(f"{name}_reply", reply)
        return
    except _Unanswered as failure:
        reason, detail = failure.args
    except Exception as failure:  # No room for a process or a descriptor; os.fork replaced.
        reason, detail = "failed", f"{type(failure).__name__}: {failure}"
    send("question_failed", {"reason": reason, "detail": detail[:_DETAIL_CHARACTERS_MAX]})


class _Unanswered(Exception):
    """A reason of question_failed and a detail."""


class _Fork:
    """A fork of this process that does one piece of work and tells what it returns."""

    def __init__(self, work: Callable[[], dict]):
        self._pipe, write = os.pipe()
        try:
            with warnings.catch_warnings():
                # Python warns of threads: the locks that they hold stay locked in the fork.
                # That is what the deadline is for.
                warnings.simplefilter("ignore")
                self._pid = os.fork()
            if self._pid == 0:
                _answer_and_end(work, write)
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(write)

    def __enter__(self) -> "_Fork":
        return self

    def __exit__(self, *_) -> None:
        os.close(self._pipe)
        try:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # A thread of user code has waited for all children.

    def answer(self, deadline: float) -> dict:
        """Raises _Unanswered."""
        reply = frames.decode(self._read(deadline))
        if "ok" not in reply:
            raise _Unanswered("failed", str(reply["failed"]))
        return reply["ok"]

    def _read(self, deadline: float) -> bytes:
        """One frame, without its length. There may be no end to what hostile code writes."""
        readable = select.poll()
        readable.register(self._pipe, select.POLLIN)
        data = b""
        while len(data) < _LENGTH.size or len(data) < _LENGTH.size + _LENGTH.unpack_from(data)[0]:
            left_ms = (deadline - time.monotonic()) * 1000
            if left_ms <= 0 or not readable.poll(left_ms):
                raise _Unanswered("timeout", "")
            chunk = os.read(self._pipe, _READ_BYTES)
            if not chunk:
                raise _Unanswered("ended", "the process that was to answer ended")
            data += chunk
            if len(data) > _ANSWER_BYTES_MAX:
                raise _Unanswered("failed", "the answer is too long")
        return data[_LENGTH.size :]


def _answer_and_end(work: Callable[[], dict], pipe: int) -> None:
    """All that the fork does. Never returns."""
    try:
        gc.disable()  # No finaliser of user code runs twice.
        _die_first()
        _silence(pipe)
        try:
            reply = {"ok": work()}
        except Exception as failure:
            reply = {"failed": f"{type(failure).__name__}: {failure}"}
        view = memoryview(frames.encode(reply))
        while view:
            view = view[os.write(pipe, view) :]
    finally:
        os._exit(0)


def _die_first() -> None:
    """When memory runs out, the kernel is to stay."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError:
        pass  # Then Linux picks the larger of two that have the same size.


def _silence(pipe: int) -> None:
    """Whatever is open, the kernel's connection included, reads as empty and forgets what is written."""
    null = os.open("/dev/null", os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in (null, pipe):
            os.dup2(null, int(name))
