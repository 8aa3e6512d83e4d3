"""How a sandbox begins: made by order of the gateway, or taken over from an earlier keeper."""

import os
import selectors

from _glovebox.keeper.deadlines import Deadlines
from _glovebox.keeper.endings import Endings
from _glovebox.keeper.kernels import Kernels, watch_once
from _glovebox.keeper.sandbox import Common, Sandbox
from _glovebox.keeper.sandbox_maker import SandboxMaker
from _glovebox.keeper.sandboxes import Sandboxes

# The first two processes of a PID namespace; nothing else exists before the kernel does.
_WARDEN_PID = 1
_KERNEL_PID = 2


def _pid_inside(pid: int) -> int:
    """A process's pid in its innermost PID namespace, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[-1]) for line in file if line.startswith("NSpid:"))
    except (OSError, StopIteration):
        return 0


class Beginnings:
    """`gateway_uid` is whose the one file is that the gateway writes."""

    def __init__(
        self,
        common: Common,
        sandboxes: Sandboxes,
        maker: SandboxMaker,
        kernels: Kernels,
        endings: Endings,
        deadlines: Deadlines,
        gateway_uid: int,
    ):
        self._common = common
        self._sandboxes = sandboxes
        self._maker = maker
        self._kernels = kernels
        self._endings = endings
        self._deadlines = deadlines
        self._gateway_uid = gateway_uid

    def spawn(self, sandbox_id: str, _sandbox: Sandbox | None, fields: dict) -> None:
        """The gateway's wish. PlanRefused or OSError when it cannot be."""
        plan = fields["plan"]
        sandbox = self._sandboxes.make(sandbox_id, plan)
        self._deadlines.clear(sandbox.slot)
        cgroups = self._common.cgroups
        cgroups.create(sandbox.name)
        cgroups.set_memory(sandbox.name, plan.memory_bytes)
        cgroups.set_cpu(sandbox.name, plan.cpu_cores)
        cgroups.set_processes(sandbox.name, plan.processes + 1)  # One for the warden.
        # Lets the gateway reset the peak before each execution, and nothing else.
        os.chown(cgroups.accounting_files(sandbox.name)["memory_peak"], self._gateway_uid, -1)
        try:
            for_zygote = self._maker.fork_warden(sandbox, fields["secret"])
        finally:
            self._sandboxes.note_warden(sandbox)
        assert sandbox.report
        self._common.selector.register(
            sandbox.report, selectors.EVENT_READ, lambda: self.hear(sandbox)
        )
        self._kernels.fork(sandbox, for_zygote)
        self._kernels.zygotes.replace_worn(sandbox.template)

    def hear(self, sandbox: Sandbox) -> None:
        """What warden or kernel report: that ids are wanted, that a step has failed, or no more."""
        assert sandbox.report
        try:
            message = sandbox.report.recv(1024)
        except OSError:
            message = b""
        if message == b"map":
            try:
                self._maker.map_ids(sandbox)
                sandbox.report.send(b"mapped")
                os.write(sandbox.built, b"b")
            except OSError as failure:
                self._common.fail(sandbox.id, f"id maps: {failure}")
            return
        self._endings.close_report(sandbox)
        if message.startswith(b"!"):
            self._common.fail(sandbox.id, message[1:].decode("utf-8", "replace"))

    def adopt(self, name: str) -> None:
        """Take over a sandbox that an earlier keeper made. Its processes are not our children, so
        pidfds tell when they end."""
        sandbox = self._sandboxes.adopt(name)
        for pid in self._common.cgroups.processes(name):
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            inside = _pid_inside(pid)
            if inside == _WARDEN_PID:
                sandbox.warden_handle = handle
                watch_once(
                    self._common.selector, handle, lambda: self._endings.destroy(sandbox)
                )
            elif inside == _KERNEL_PID:
                sandbox.kernel_handle = handle
                self._kernels.watch(sandbox)
            else:
                os.close(handle)
        # What ended while there was no keeper.
        if sandbox.warden_handle < 0:
            self._endings.destroy(sandbox)
        elif sandbox.kernel_handle < 0:
            self._kernels.has_ended(sandbox)
