"""How a sandbox ends: by order, by a step that fails, or by the end of its PID 1. And what is told of it."""

import os
import selectors
import signal

from _glovebox.keeper.cgroups.contract import Cgroups
from _glovebox.keeper.sandbox import Sandbox, Tell, send_signal
from _glovebox.keeper.sandboxes import Sandboxes
from _glovebox.wire.agreement import EXIT_SOCKET_MEMORY


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

    def fail(self, identity: str, message: str) -> None:
        """End it, where there is one, and tell the reason."""
        sandbox = self._sandboxes.get(identity)
        if sandbox:
            self.destroy(sandbox)
        self._tell({"event": "failed", "sandbox": identity, "message": message[:500]})

    def destroy_all(self) -> None:
        for sandbox in list(self._sandboxes.values()):
            self.destroy(sandbox)

    def destroy_known(self, identity: str, sandbox: Sandbox | None, _fields: dict) -> None:
        """The gateway's wish. What is gone already is told once more."""
        if sandbox:
            self.destroy(sandbox)
        else:
            self._tell({"event": "destroyed", "sandbox": identity})

    def destroy(self, sandbox: Sandbox) -> None:
        """Kill PID 1, and with it everything in its namespace. Removal follows once all are gone."""
        if sandbox.doomed:
            return
        sandbox.doomed = True
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
        """Forget those of which nothing is left, and kill what is left of the others."""
        for sandbox in self._sandboxes.doomed:
            if sandbox.warden_pid == 0 and self._cgroups.remove(sandbox.name):
                for handle in sandbox.handles:
                    if handle in self._selector.get_map():
                        self._selector.unregister(handle)
                    os.close(handle)
                self._sandboxes.forget(sandbox)
                self._tell({"event": "destroyed", "sandbox": sandbox.identity})
            elif sandbox.warden_pid == 0:
                self._cgroups.kill(sandbox.name)

    def warden_ended(self, sandbox: Sandbox, code: int) -> None:
        """PID 1 is gone and the rest with it; tell why before the groups go."""
        sockets = code == EXIT_SOCKET_MEMORY
        out_of_memory = sockets or self._cgroups.oom_kills(sandbox.name) > 0
        # The gateway may have seen the warden's connection end before we do.
        if not sandbox.doomed or sockets:
            self._tell(
                {
                    "event": "sandbox_died",
                    "sandbox": sandbox.identity,
                    "out_of_memory": out_of_memory,
                }
            )
            self.destroy(sandbox)
