"""How a sandbox ends: by order, by a step that fails, or by the end of its PID 1. And what is told of it."""

import os
import selectors
import signal
import time
from collections import deque

from _glovebox.keeper.cgroups.contract import Cgroups
from _glovebox.keeper.sandbox import Sandbox, Tell, send_signal
from _glovebox.keeper.sandboxes import Sandboxes
from _glovebox.wire.agreement import EXIT_SOCKET_MEMORY


# A group that is not empty yet is looked at again after this.
_RETRY_S = 0.02
# How long removing goes on before everything else has its turn.
_TURN_S = 0.02


class Endings:
    """A sandbox that is ended is doomed at once, and forgotten when everything of it is gone."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        cgroups: Cgroups,
        tell: Tell,
        sandboxes: Sandboxes,
    ):
        self._selector = selector
        self._cgroups = cgroups
        self._tell = tell
        self._sandboxes = sandboxes
        # Those whose PID 1 is gone: of the first nothing is known yet, the others were not empty.
        self._emptying: deque[Sandbox] = deque()
        self._waiting: deque[tuple[float, Sandbox]] = deque()

    def fail(self, sandbox_id: str, message: str) -> None:
        """End it, where there is one, and tell the reason."""
        sandbox = self._sandboxes.get(sandbox_id)
        if sandbox:
            self.destroy(sandbox)
        self._tell({"event": "failed", "sandbox": sandbox_id, "message": message[:500]})

    def destroy_all(self) -> None:
        for sandbox in list(self._sandboxes.values()):
            self.destroy(sandbox)

    def destroy_known(self, sandbox_id: str, sandbox: Sandbox | None, _fields: dict) -> None:
        """The gateway's wish. What is gone already is told once more."""
        if sandbox:
            self.destroy(sandbox)
        else:
            self._tell({"event": "destroyed", "sandbox": sandbox_id})

    def destroy(self, sandbox: Sandbox) -> None:
        """Kill PID 1, and with it everything in its namespace. Removal follows once all are gone."""
        if sandbox.doomed:
            return
        self._sandboxes.doom(sandbox)
        if sandbox.warden_pid == 0:
            self._emptying.append(sandbox)
        self.close_report(sandbox)
        try:
            self._cgroups.lift_cpu(sandbox.name)  # A throttled process could not even die.
        except OSError:
            pass
        send_signal(sandbox.warden_handle, signal.SIGKILL)
        self._cgroups.kill(sandbox.name)

    def close_report(self, sandbox: Sandbox) -> None:
        """From here on none is listened to."""
        if sandbox.report:
            if sandbox.report.fileno() in self._selector.get_map():
                self._selector.unregister(sandbox.report)
            sandbox.report.close()
            sandbox.report = None
            os.close(sandbox.built)

    def remove_doomed(self) -> None:
        """Forget those of which nothing is left, and kill what is left of the others. Where there are
        a thousand, some of them at a time."""
        turn_ends = time.monotonic() + _TURN_S
        while self._emptying and time.monotonic() < turn_ends:
            self._remove(self._emptying.popleft())
        while self._waiting and self._waiting[0][0] <= time.monotonic() < turn_ends:
            self._remove(self._waiting.popleft()[1])

    def _remove(self, sandbox: Sandbox) -> None:
        if not self._cgroups.remove(sandbox.name):
            self._cgroups.kill(sandbox.name)
            self._waiting.append((time.monotonic() + _RETRY_S, sandbox))
            return
        for handle in sandbox.handles:
            if handle in self._selector.get_map():
                self._selector.unregister(handle)
            os.close(handle)
        self._sandboxes.forget(sandbox)
        self._tell({"event": "destroyed", "sandbox": sandbox.id})

    @property
    def patience_s(self) -> float | None:
        """After what time remove_doomed() has something to do, or None while that comes of an event."""
        if self._emptying:
            return 0.0
        return max(0.0, self._waiting[0][0] - time.monotonic()) if self._waiting else None

    def warden_ended(self, sandbox: Sandbox, code: int) -> None:
        """PID 1 is gone and the rest with it; tell why before the groups go."""
        if sandbox.doomed:
            self._emptying.append(sandbox)
        sockets = code == EXIT_SOCKET_MEMORY
        out_of_memory = sockets or self._cgroups.oom_kills(sandbox.name) > 0
        # The gateway may have seen the warden's connection end before we do.
        if not sandbox.doomed or sockets:
            self._tell(
                {
                    "event": "sandbox_died",
                    "sandbox": sandbox.id,
                    "out_of_memory": out_of_memory,
                }
            )
            self.destroy(sandbox)
