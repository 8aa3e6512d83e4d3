"""A zygote as the keeper sees it: a child process and the connection to it."""

import json
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass

import _glovebox
from _glovebox.confine import linux
from _glovebox.wire.zygote_channel import KEEPER_DESCRIPTOR, receive

# The package finds its own modules without the search path, which user code inherits.
_PROGRAM = (
    f"import sys; sys.path.insert(0, {os.path.dirname(_glovebox.__path__[0])!r}); "
    "from _glovebox.zygote import zygote; del sys.path[0]; zygote.main()"
)

# What a zygote is made from. There is one so far.
DEFAULT_TEMPLATE = "default"


# A fork takes milliseconds. A request for a sandbox waits longer than this.
_ANSWER_S_MAX = 10.0


@dataclass(frozen=True)
class Wear:
    """What a fork cannot change, the address layout and the hash seed of str, is shared by all
    forks of one zygote; these bound by how many, and for how long."""

    forks_max: int
    age_max_s: float


class ZygoteProcess:
    """Started by its construction. `ready` holds the message it sends once everything is imported."""

    def __init__(self, wear: Wear, template: str) -> None:
        self._wear = wear
        self.template = template
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connection = ours
        self.connection.setblocking(False)  # One that hangs must not make the keeper hang.
        self.ready: dict | None = None
        self._forks = 0
        self._unanswered = 0
        self._quiet_since = 0.0
        self._started = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self._become_zygote(theirs.detach())
        theirs.close()

    @staticmethod
    def _become_zygote(connection: int) -> None:
        """A program of its own, so that each zygote has a hash seed and addresses of its own."""
        try:
            linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
            os.dup2(connection, KEEPER_DESCRIPTOR)
            os.closerange(KEEPER_DESCRIPTOR + 1, 1 << 20)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)  # Only the keeper waits for its end.
            os.setsid()  # Ctrl-C in the terminal is the supervisor's affair.
            os.execv(sys.executable, [sys.executable, "-I", "-B", "-c", _PROGRAM])
        finally:
            os._exit(127)

    @property
    def worn(self) -> bool:
        """Whether another should take its place."""
        age_s = time.monotonic() - self._started
        return self._forks >= self._wear.forks_max or age_s >= self._wear.age_max_s

    def fork_kernel(self, request: dict, descriptors: list[int]) -> None:
        """Ask; the answer comes as a message. BlockingIOError when it has enough to do already, another
        OSError when the zygote is gone."""
        socket.send_fds(self.connection, [json.dumps(request).encode()], descriptors)
        self._forks += 1
        if self._unanswered == 0:
            self._quiet_since = time.monotonic()
        self._unanswered += 1

    @property
    def is_stuck(self) -> bool:
        """Whether it has been asked and says nothing. Before it is ready it imports, and is asked already."""
        waits = self.ready is not None and self._unanswered > 0
        return waits and time.monotonic() - self._quiet_since > _ANSWER_S_MAX

    def receive(self) -> tuple[dict, list[int]] | None:
        """The next message and what came with it, or None when the zygote is gone. BlockingIOError when
        there is none after all."""
        try:
            data, descriptors = receive(self.connection, 1)
        except BlockingIOError:
            raise
        except OSError:
            return None
        if not data:
            return None
        message = json.loads(data)
        self._quiet_since = time.monotonic()
        if "forked" in message or "failed" in message:
            self._unanswered -= 1
        return message, descriptors

    def retire(self) -> None:
        """Fork no more, and end with the last of the kernels, whose exit codes only it can learn."""
        try:
            self.connection.send(json.dumps({"retire": True}).encode())
        except OSError:
            pass  # It is gone, and the end of the connection tells so.

    def kill(self) -> None:
        self.connection.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
