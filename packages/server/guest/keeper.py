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
sandboxes that exist already, and the folders to share as folders.py describes them.
"""

import os
import resource
import selectors
import signal
import sys
import time

import cgroups as control_groups
import linux
import seccomp
import warden
from complaints import Complaints
from deadlines import Deadlines
from folders import Folders, FoldersRefused
from gateway_connection import GatewayConnection
from kernels import Kernels, watch_once
from operations import Operations
from plan import PlanRefused
from sandbox import Common, Sandbox, send_signal
from sandbox_maker import RUN_DIRECTORY, Programs, SandboxMaker
from zygote_process import Wear
from zygotes import EXIT_ISOLATION_UNAVAILABLE

_GUEST_DIRECTORY = "/opt/glovebox/guest"
_SLOTS = 4096
# What the keeper holds open at most: for one sandbox, and for everything else.
_DESCRIPTORS_EACH = 5
_DESCRIPTORS_ELSE = 128
# The first two processes of a PID namespace; nothing else exists before the kernel does.
_WARDEN_PID = 1
_KERNEL_PID = 2
# How often it is looked whether a group is empty, or another zygote due.
_RETRY_S = 0.02
# How often deadlines are looked at while there are sandboxes, and the supervisor told that all is well.
_LOOK_S = 0.5
_SOCKET = f"{RUN_DIRECTORY}/keeper.sock"
# Tells the supervisor that the reason has been said and is no lack of isolation.
_EXIT_FOLDERS_REFUSED = 72


def _pid_inside(pid: int) -> int:
    """A process's pid in its innermost PID namespace, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[-1]) for line in file if line.startswith("NSpid:"))
    except (OSError, StopIteration):
        return 0


def _usable_slots() -> int:
    """So many that none can take the last descriptor, without which nothing here could be done."""
    wanted = _SLOTS * _DESCRIPTORS_EACH + _DESCRIPTORS_ELSE
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            limit = wanted
        except (OSError, ValueError):
            pass  # Without CAP_SYS_RESOURCE it stays as it is.
    return min(_SLOTS, (limit - _DESCRIPTORS_ELSE) // _DESCRIPTORS_EACH)


class Keeper:
    """Event loop and state. Everything here runs as root; keep it small."""

    def __init__(
        self,
        tree: str,
        instance: str,
        gateway_uid: int,
        uid_base: int,
        zygote_wear: Wear,
        reclaim: bool,
        described_folders: str,
    ):
        self._gateway_uid = gateway_uid
        self._slots = _usable_slots()
        policies = f"{_GUEST_DIRECTORY}/policy"
        programs = Programs(
            seccomp.load_program(policies), seccomp.load_program(policies, "porter.json")
        )
        self._cgroups = control_groups.open_cgroups(instance)
        if reclaim:
            control_groups.reclaim(self._cgroups)
        # Ids of the last slot serve for the trial; a sandbox that has them is not disturbed.
        folders = Folders(described_folders, uid_base + 2 * _SLOTS - 1)
        self._selector = selectors.DefaultSelector()
        self._gateway = GatewayConnection(
            self._selector,
            gateway_uid,
            self._on_gateway,
            lambda operation: self._operations.perform(operation),
            self._destroy_all,  # Nobody could speak to them any more.
        )
        self._tell = self._gateway.tell
        common = Common(self._selector, self._cgroups, folders, self._tell, self._fail)
        self._sandboxes = common.sandboxes
        self._maker = SandboxMaker(tree, uid_base, programs, self._cgroups, folders)
        self._kernels = Kernels(common, self._maker, zygote_wear)
        self._zygotes = self._kernels.zygotes
        self._operations = Operations(
            common, self._maker, self._spawn, self._destroy_known, self._destroy_all
        )
        self._deadlines = Deadlines(f"{RUN_DIRECTORY}/deadlines", gateway_uid, _SLOTS)
        self._complaints = Complaints()
        self._look_due = 0.0
        self._stopping = False
        for name in self._cgroups.names():
            self._adopt(name)

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
                # Whoever was served before in this round may have closed this one.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            self._gateway.serve()
            self._reap()
            self._look()
            self._remove_doomed()
            if not self._stopping:
                self._zygotes.keep_one()
        self._cgroups.remove_base()

    def _patience(self) -> float:
        if self._gateway.has_operations():
            return 0
        doomed = any(sandbox.doomed for sandbox in self._sandboxes.values())
        if doomed or self._zygotes.current is None:
            return _RETRY_S
        return max(0.0, self._look_due - time.monotonic())

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
        self._kernels.end_stuck_zygote()
        living = {one.slot: one for one in self._sandboxes.values() if not one.doomed}
        for slot in self._deadlines.overdue(living):
            identity = living[slot].identity
            self._complaints.say(f"{identity} ran past its deadline, and the gateway did not end it")
            self._tell({"event": "overdue", "sandbox": identity})
            self._destroy(living[slot])

    def _on_stdin(self) -> None:
        if os.read(0, 4096):
            return
        self._selector.unregister(0)
        self._stopping = True
        self._destroy_all()

    def _on_gateway(self) -> None:
        """Tell a gateway that has just connected what there is."""
        self._tell({"event": "sandboxes", "sandboxes": sorted(self._sandboxes)})
        for sandbox in self._sandboxes.values():
            if sandbox.kernel_exit is not None:  # It ended while nobody could be told.
                self._kernels.tell_exit(sandbox, sandbox.kernel_exit)
        current = self._zygotes.current
        if current and current.ready:
            self._tell(current.ready)

    # --- making a sandbox -------------------------------------------------------------------

    def _spawn(self, identity: str, sandbox: Sandbox | None, fields: dict) -> None:
        plan = fields["plan"]
        if sandbox:
            raise PlanRefused("a sandbox of this id exists already")
        if self._stopping:
            raise PlanRefused("the keeper is stopping")
        used = {sandbox.slot for sandbox in self._sandboxes.values()}
        slot = next((slot for slot in range(self._slots) if slot not in used), None)
        if slot is None:
            raise PlanRefused("every range of host ids, or every descriptor, is in use")
        sandbox = Sandbox(f"{slot:04d}-{identity}", slot, identity, plan=plan)
        self._sandboxes[identity] = sandbox
        self._deadlines.clear(slot)
        self._cgroups.create(sandbox.name)
        self._cgroups.set_memory(sandbox.name, plan.memory_bytes)
        self._cgroups.set_cpu(sandbox.name, plan.cpu_cores)
        self._cgroups.set_processes(sandbox.name, plan.processes + 1)  # One for the warden.
        # Lets the gateway reset the peak before each execution, and nothing else.
        os.chown(self._cgroups.accounting_files(sandbox.name)["memory_peak"], self._gateway_uid, -1)
        for_zygote = self._maker.fork_warden(sandbox, fields["secret"])
        assert sandbox.report
        self._selector.register(
            sandbox.report, selectors.EVENT_READ, lambda: self._on_report(sandbox)
        )
        self._kernels.fork(sandbox, for_zygote)
        self._zygotes.replace_worn()

    def _on_report(self, sandbox: Sandbox) -> None:
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
                self._fail(sandbox.identity, f"id maps: {failure}")
            return
        self._close_report(sandbox)
        if message.startswith(b"!"):
            self._fail(sandbox.identity, message[1:].decode("utf-8", "replace"))

    def _close_report(self, sandbox: Sandbox) -> None:
        if sandbox.report:
            if sandbox.report.fileno() in self._selector.get_map():
                self._selector.unregister(sandbox.report)
            sandbox.report.close()
            sandbox.report = None
            os.close(sandbox.built)

    def _adopt(self, name: str) -> None:
        """Take over a sandbox that an earlier keeper made. Its processes are not our children, so
        pidfds tell when they end."""
        slot, _, identity = name.partition("-")
        sandbox = Sandbox(name, int(slot), identity)
        self._sandboxes[identity] = sandbox
        for pid in self._cgroups.processes(name):
            try:
                handle = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            inside = _pid_inside(pid)
            if inside == _WARDEN_PID:
                sandbox.warden_handle = handle
                watch_once(self._selector, handle, lambda: self._destroy(sandbox))
            elif inside == _KERNEL_PID:
                sandbox.kernel_handle = handle
                self._kernels.watch(sandbox)
            else:
                os.close(handle)
        # What ended while there was no keeper.
        if sandbox.warden_handle < 0:
            self._destroy(sandbox)
        elif sandbox.kernel_handle < 0:
            self._kernels.has_ended(sandbox)

    # --- ending -----------------------------------------------------------------------------

    def _fail(self, identity: str, message: str) -> None:
        sandbox = self._sandboxes.get(identity)
        if sandbox:
            self._destroy(sandbox)
        self._tell({"event": "failed", "sandbox": identity, "message": message[:500]})

    def _destroy_all(self) -> None:
        for sandbox in list(self._sandboxes.values()):
            self._destroy(sandbox)

    def _destroy_known(self, identity: str, sandbox: Sandbox | None, _fields: dict) -> None:
        """The gateway's wish. What is gone already is told once more."""
        if sandbox:
            self._destroy(sandbox)
        else:
            self._tell({"event": "destroyed", "sandbox": identity})

    def _destroy(self, sandbox: Sandbox) -> None:
        """Kill PID 1, and with it everything in its namespace. Removal follows once all are gone."""
        if sandbox.doomed:
            return
        sandbox.doomed = True
        self._close_report(sandbox)
        try:
            self._cgroups.lift_cpu(sandbox.name)  # A throttled process could not even die.
        except OSError:
            pass
        send_signal(sandbox.warden_handle, signal.SIGKILL)
        self._cgroups.kill(sandbox.name)

    def _remove_doomed(self) -> None:
        for sandbox in [one for one in self._sandboxes.values() if one.doomed]:
            if sandbox.warden_pid == 0 and self._cgroups.remove(sandbox.name):
                for handle in sandbox.handles:
                    if handle in self._selector.get_map():
                        self._selector.unregister(handle)
                    os.close(handle)
                del self._sandboxes[sandbox.identity]
                self._tell({"event": "destroyed", "sandbox": sandbox.identity})
            elif sandbox.warden_pid == 0:
                self._cgroups.kill(sandbox.name)

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
            for sandbox in self._sandboxes.values():
                if sandbox.warden_pid == pid:
                    self._on_warden_end(sandbox, os.waitstatus_to_exitcode(status))
                    break

    def _on_warden_end(self, sandbox: Sandbox, code: int) -> None:
        """PID 1 is gone and the rest with it; tell why before the groups go."""
        sandbox.warden_pid = 0
        if sandbox.report:
            self._on_report(sandbox)  # A step that has failed names itself there.
        sockets = code == warden.EXIT_SOCKET_MEMORY
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
            self._destroy(sandbox)


def main() -> int:
    """Entry point, called by enter-rootfs.sh inside the new root. See the module's docstring."""
    tree, instance, gateway_uid, uid_base, zygote_forks, zygote_age_s, existing, described = sys.argv[1:9]
    # The directory that held the old root until the script's pivot_root is the last way back to it.
    linux.unmount_detached("/mnt")
    linux.name_process("gb-keeper")
    os.umask(0o022)
    try:
        keeper = Keeper(
            tree,
            instance,
            int(gateway_uid),
            int(uid_base),
            Wear(int(zygote_forks), float(zygote_age_s)),
            existing == "reclaim",
            described,
        )
    except FoldersRefused as refusal:
        sys.stderr.write(f"glovebox: {refusal}\n")
        return _EXIT_FOLDERS_REFUSED
    except (control_groups.CgroupsUnavailable, seccomp.PolicyError, OSError) as failure:
        sys.stderr.write(f"ISOLATION_UNAVAILABLE {failure}\n")
        return EXIT_ISOLATION_UNAVAILABLE
    keeper.run()
    return 0


if __name__ == "__main__":
    # `-I` leaves the script's own directory out of the search path; this is the guest's source.
    sys.exit(main())
