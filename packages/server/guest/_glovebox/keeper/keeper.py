"""The keeper: the one privileged process that makes, limits and ends sandboxes.

Process picture (root below means root of the host, in a mount namespace with nothing but the
sandbox's root file system, control groups and the run-time directory):

    supervisor (Node, root) --stdin: closing it ends the keeper-->  keeper (root)
    gateway (Node, unprivileged) --keeper.sock: operations-->          |- zygote (root, forks kernels)
                                                                       '- wardens (PID 1 of sandboxes)

The keeper imports only the standard library, holds no user's data and never reads what a guest has
written. Every sandbox is found again by the name of its control group, `<slot>-<id>`, so the
keeper can be killed and started again while sandboxes live on.

Arguments: name of the root file system's tree, instance name, uid of the gateway, base of the
sandboxes' host uids, forks and seconds after which a zygote is replaced, "reclaim" or "adopt" for
sandboxes that exist already, and the folders to share as confine/folders.py describes them.
"""

import contextlib
import os
import selectors
import signal
import sys
import time

from _glovebox import policy
from _glovebox.confine import linux, seccomp
from _glovebox.confine.folders import Folders, FoldersRefused
from _glovebox.confine.plan import PlanRefused
from _glovebox.keeper.beginnings import Beginnings
from _glovebox.keeper.cgroups.choice import open_cgroups, reclaim
from _glovebox.keeper.cgroups.contract import Cgroups, CgroupsUnavailable
from _glovebox.keeper.complaints import Complaints
from _glovebox.keeper.deadlines import Deadlines
from _glovebox.keeper.endings import Endings
from _glovebox.keeper.gateway_connection import GatewayConnection
from _glovebox.keeper.kernels import Kernels
from _glovebox.keeper.operations import Operations
from _glovebox.keeper.sandbox import Common, Sandbox
from _glovebox.keeper.sandbox_maker import RUN_DIRECTORY, Programs, SandboxMaker
from _glovebox.keeper.sandboxes import Sandboxes, usable_slots
from _glovebox.keeper.zygote_process import Wear
from _glovebox.wire.agreement import (
    EXIT_FOLDERS_REFUSED,
    EXIT_ISOLATION_UNAVAILABLE,
    EXIT_SOCKET_MEMORY,
    IDS_PER_INSTANCE,
    SLOTS,
)

# How often it is looked whether another zygote is due.
_RETRY_S = 0.02
# How often deadlines are looked at while there are sandboxes, and the supervisor told that all is well.
_LOOK_S = 0.5
# Of a warden: the gateway is gone, a step has failed and is told, too much in sockets, killed.
_EXPECTED_ENDS = (0, 1, EXIT_SOCKET_MEMORY, -signal.SIGKILL)
_SOCKET = f"{RUN_DIRECTORY}/keeper.sock"


class Keeper:
    """The event loop, and who hears of what. Everything here runs as root; keep it small."""

    def __init__(
        self,
        tree: str,
        cgroups: Cgroups,
        gateway_uid: int,
        uid_base: int,
        zygote_wear: Wear,
        ends_earlier: bool,
        described_folders: str,
    ):
        programs = Programs(
            seccomp.load_program(policy.DIRECTORY),
            seccomp.load_program(policy.DIRECTORY, "porter.json"),
        )
        self._cgroups = cgroups
        if ends_earlier:
            reclaim(self._cgroups)
        # Ids of the last slot serve for the trial; a sandbox that has them is not disturbed.
        folders = Folders(described_folders, uid_base + IDS_PER_INSTANCE - 1)
        self._selector = selectors.DefaultSelector()
        self._sandboxes = Sandboxes(usable_slots())
        self._gateway = GatewayConnection(
            self._selector,
            gateway_uid,
            self._on_gateway,
            lambda operation: self._operations.perform(operation),
            lambda: self._endings.destroy_all(),  # No one else could speak to them.
        )
        self._tell = self._gateway.tell
        self._endings = Endings(self._selector, self._cgroups, self._tell, self._sandboxes)
        common = Common(
            self._selector,
            self._cgroups,
            folders,
            self._tell,
            self._endings.fail,
            self._sandboxes,
        )
        maker = SandboxMaker(tree, uid_base, programs, self._cgroups, folders)
        self._kernels = Kernels(common, maker, zygote_wear)
        self._zygotes = self._kernels.zygotes
        self._deadlines = Deadlines(f"{RUN_DIRECTORY}/deadlines", gateway_uid, SLOTS)
        self._complaints = Complaints()
        self._look_due = 0.0
        self._beginnings = Beginnings(
            common,
            self._sandboxes,
            maker,
            self._kernels,
            self._endings,
            self._deadlines,
            gateway_uid,
        )
        self._operations = Operations(
            common, maker, self._spawn, self._endings.destroy_known, self._endings.destroy_all
        )
        self._stopping = False
        for name in self._cgroups.names():
            self._beginnings.adopt(name)

    # --- the loop ---------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until standard input ends, then end every sandbox and return."""
        wakeup_read, wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Standard input is what ends us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        self._gateway.listen(_SOCKET)
        self._zygotes.keep_one()
        register = self._selector.register
        register(wakeup_read, selectors.EVENT_READ, lambda: os.read(wakeup_read, 4096))
        register(0, selectors.EVENT_READ, self._on_stdin)
        while not (self._stopping and not self._sandboxes):
            for key, _ in self._selector.select(self._patience()):
                # An earlier one of this round may have closed it.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            self._gateway.serve()
            self._reap()
            self._look()
            self._endings.remove_doomed()
            if not self._stopping:
                self._zygotes.keep_one()

    def _patience(self) -> float:
        if self._gateway.has_operations():
            return 0
        waits = [max(0.0, self._look_due - time.monotonic())]
        if not self._zygotes.complete:
            waits.append(_RETRY_S)
        if (removal_s := self._endings.patience_s) is not None:
            waits.append(removal_s)
        return min(waits)

    def _look(self) -> None:
        """End what should have been over, and show the supervisor, by the time of the socket's file, that this
        loop turns."""
        now = time.monotonic()
        if now < self._look_due:
            return
        self._look_due = now + _LOOK_S
        try:
            os.utime(_SOCKET)
        except OSError:
            pass  # Somebody has removed it, and the supervisor has another keeper make another.
        self._kernels.end_stuck_zygotes()
        living = {one.slot: one for one in self._sandboxes.values() if not one.doomed}
        for slot in self._deadlines.overdue(living):
            sandbox_id = living[slot].id
            self._complaints.say(f"{sandbox_id} ran past its deadline, and the gateway did not end it")
            self._tell({"event": "overdue", "sandbox": sandbox_id})
            self._endings.destroy(living[slot])

    def _on_stdin(self) -> None:
        if os.read(0, 4096):
            return
        self._selector.unregister(0)
        self._stopping = True
        self._endings.destroy_all()

    def _on_gateway(self) -> None:
        """Tell a gateway that has just connected what there is."""
        self._tell({"event": "sandboxes", "sandboxes": sorted(self._sandboxes)})
        for sandbox in self._sandboxes.values():
            if sandbox.kernel_exit is not None:  # It ended while there was no gateway to tell.
                self._kernels.tell_exit(sandbox, sandbox.kernel_exit)
        for zygote in self._zygotes.ready:
            self._tell(zygote.ready)

    def _spawn(self, sandbox_id: str, sandbox: Sandbox | None, fields: dict) -> None:
        if self._stopping:
            raise PlanRefused("the keeper is stopping")
        self._beginnings.spawn(sandbox_id, sandbox, fields)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._operations.reaped(pid, status)
            self._kernels.reaped(pid)
            sandbox = self._sandboxes.reaped(pid)
            if sandbox:
                self._on_warden_end(sandbox, os.waitstatus_to_exitcode(status))

    def _on_warden_end(self, sandbox: Sandbox, code: int) -> None:
        if sandbox.report:
            self._beginnings.hear(sandbox)  # A step that has failed names itself there.
        if code not in _EXPECTED_ENDS:
            self._complaints.say(f"the warden of {sandbox.id} ended by a fault ({code})")
        self._endings.warden_ended(sandbox, code)


def main() -> int:
    """Entry point, called by enter-rootfs.sh inside the new root. See the module's docstring."""
    tree, instance, gateway_uid, uid_base, zygote_forks, zygote_age_s, existing, described = sys.argv[1:9]
    # The directory that held the old root until the script's pivot_root is the last way back to it.
    linux.unmount_detached("/mnt")
    linux.name_process("gb-keeper")
    os.umask(0o022)
    with contextlib.ExitStack() as stack:
        try:
            cgroups = open_cgroups(instance)
            stack.callback(_leave, cgroups)
            keeper = Keeper(
                tree,
                cgroups,
                int(gateway_uid),
                int(uid_base),
                Wear(int(zygote_forks), float(zygote_age_s)),
                existing == "reclaim",
                described,
            )
        except FoldersRefused as refusal:
            sys.stderr.write(f"glovebox: {refusal}\n")
            return EXIT_FOLDERS_REFUSED
        except (CgroupsUnavailable, seccomp.PolicyError, OSError) as failure:
            sys.stderr.write(f"ISOLATION_UNAVAILABLE {failure}\n")
            return EXIT_ISOLATION_UNAVAILABLE
        keeper.run()
    return 0


def _leave(cgroups: Cgroups) -> None:
    """However the keeper ends. The sandboxes of one that failed are adopted by the next, with their groups."""
    if not cgroups.names():
        cgroups.remove_base()
