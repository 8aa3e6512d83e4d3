"""The keeper: the one privileged process that makes, limits and ends sandboxes.

Process picture (root below means root of the host, in a mount namespace with nothing but the
sandbox's root file system, control groups and the run-time directory):

    supervisor (Node, root) --stdin: closing it ends the keeper-->  keeper (root)
    gateway (Node, unprivileged) --keeper.sock: operations-->          |- zygote (root, forks kernels)
                                                                       '- wardens (PID 1 of sandboxes)

The keeper imports only the standard library, holds no user's data and never reads what a guest has
written. Every sandbox is found again by the name of its control group, `<slot>-<id>`, so the
keeper can be killed and started again while sandboxes live on.

Arguments: name of the root file system's tree, instance name, uid of the gateway, base of the sandboxes' host uids, forks and seconds after which a zygote is replaced, "reclaim" or "adopt" for
sandboxes that exist already, and the folders to share as folders.py describes them.
"""

import os
import re
import selectors
import signal
import socket
import struct
import sys
import time
from typing import Callable

import cgroups as control_groups
import confine
import frames
import inspection
import linux
import seccomp
import warden
from folders import Folders, FoldersRefused
from sandbox_maker import RUN_DIRECTORY, Programs, Sandbox, SandboxMaker
from zygote_channel import DESCRIPTORS
from zygote_process import Wear, ZygoteProcess
from zygotes import EXIT_ISOLATION_UNAVAILABLE, Zygotes

_GUEST_DIRECTORY = "/opt/glovebox/guest"
_SLOTS = 4096
_SANDBOX_ID = re.compile(r"[a-z0-9]{8,32}")
# The first two processes of a PID namespace; nothing else exists before the kernel does.
_WARDEN_PID = 1
_KERNEL_PID = 2
# How often it is looked whether a group is empty, or another zygote due.
_RETRY_S = 0.02
# Tells the supervisor that the reason has been said and is no lack of isolation.
_EXIT_FOLDERS_REFUSED = 72


def _pid_inside(pid: int) -> int:
    """A process's pid in its innermost PID namespace, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[-1]) for line in file if line.startswith("NSpid:"))
    except (OSError, StopIteration):
        return 0


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
        policies = f"{_GUEST_DIRECTORY}/policy"
        programs = Programs(
            seccomp.load_program(policies), seccomp.load_program(policies, "porter.json")
        )
        self._cgroups = control_groups.open_cgroups(instance)
        if reclaim:
            control_groups.reclaim(self._cgroups)
        self._sandboxes: dict[str, Sandbox] = {}
        # Ids of the last slot serve for the trial; a sandbox that has them is not disturbed.
        self._folders = Folders(described_folders, uid_base + 2 * _SLOTS - 1)
        self._maker = SandboxMaker(tree, uid_base, programs, self._cgroups, self._folders)
        # Children that mount folders, by their pids, with the sandbox each works for.
        self._mounting: dict[int, str] = {}
        self._selector = selectors.DefaultSelector()
        self._gateway: socket.socket | None = None
        self._gateway_reader: frames.FrameReader | None = None
        self._zygotes = Zygotes(zygote_wear, self._selector, self._on_zygote)
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
        listener = self._listen()
        self._zygotes.keep_one()
        register = self._selector.register
        register(wakeup_read, selectors.EVENT_READ, lambda: os.read(wakeup_read, 4096))
        register(0, selectors.EVENT_READ, self._on_stdin)
        register(listener, selectors.EVENT_READ, lambda: self._accept(listener))
        while not (self._stopping and not self._sandboxes):
            for key, _ in self._selector.select(self._patience()):
                # Whoever was served before in this round may have closed this one.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            self._reap()
            self._remove_doomed()
            if not self._stopping:
                self._zygotes.keep_one()
        self._cgroups.remove_base()

    def _patience(self) -> float | None:
        doomed = any(sandbox.doomed for sandbox in self._sandboxes.values())
        return _RETRY_S if doomed or self._zygotes.current is None else None

    def _listen(self) -> socket.socket:
        path = f"{RUN_DIRECTORY}/keeper.sock"
        if os.path.lexists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o600)
        os.chown(path, self._gateway_uid, -1)
        listener.listen(4)
        return listener

    def _on_stdin(self) -> None:
        if os.read(0, 4096):
            return
        self._selector.unregister(0)
        self._stopping = True
        for sandbox in list(self._sandboxes.values()):
            self._destroy(sandbox)

    # --- the gateway ------------------------------------------------------------------------

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, self._gateway_uid):
            connection.close()
            return
        if self._gateway:
            self._drop_gateway()
        self._gateway = connection
        self._gateway_reader = frames.FrameReader(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._on_gateway)
        self._tell({"event": "sandboxes", "sandboxes": sorted(self._sandboxes)})
        for sandbox in self._sandboxes.values():
            if sandbox.kernel_exit is not None:  # It ended while nobody could be told.
                self._tell_kernel_exit(sandbox, sandbox.kernel_exit)
        current = self._zygotes.current
        if current and current.ready:
            self._tell(current.ready)

    def _drop_gateway(self) -> None:
        """A gateway that is gone takes its sandboxes along: nobody could speak to them any more."""
        if self._gateway is None:
            return
        self._selector.unregister(self._gateway)
        self._gateway.close()
        self._gateway = None
        for sandbox in list(self._sandboxes.values()):
            self._destroy(sandbox)

    def _tell(self, message: dict) -> None:
        if self._gateway is None:
            return
        try:
            self._gateway.sendall(frames.encode(message))
        except OSError:
            self._drop_gateway()

    def _on_gateway(self) -> None:
        assert self._gateway_reader
        try:
            operations = self._gateway_reader.read_available()
        except (frames.ChannelClosed, frames.FrameTooLarge, ValueError, OSError):
            self._drop_gateway()
            return
        for operation in operations:
            self._operate(operation)

    def _operate(self, operation: dict) -> None:
        if operation.get("op") == "panic":
            self._panic()
            return
        if operation.get("op") == "census":
            self._tell_census()
            return
        identity = operation.get("sandbox")
        if not isinstance(identity, str) or not _SANDBOX_ID.fullmatch(identity):
            self._tell({"event": "refused", "message": "not a sandbox id"})
            return
        name = operation.get("op")
        sandbox = self._sandboxes.get(identity)
        try:
            if name == "spawn":
                self._spawn(identity, operation)
            elif name == "destroy":
                if sandbox:
                    self._destroy(sandbox)
                else:
                    self._tell({"event": "destroyed", "sandbox": identity})
            elif name == "interrupt":
                self._interrupt(sandbox)
            elif name == "limit":
                self._limit(sandbox, operation)
            elif name == "mount":
                self._mount(identity, sandbox, operation.get("mounts"))
            elif name == "porter":
                self._make_porter(identity, sandbox, operation)
            elif name == "inspect":
                self._inspect(identity, sandbox)
            else:
                self._tell({"event": "refused", "message": "unknown operation"})
        except (OSError, confine.PlanRefused) as failure:
            self._fail(identity, str(failure))

    def _fail(self, identity: str, message: str) -> None:
        sandbox = self._sandboxes.get(identity)
        if sandbox:
            self._destroy(sandbox)
        self._tell({"event": "failed", "sandbox": identity, "message": message[:500]})

    # --- making a sandbox -------------------------------------------------------------------

    def _spawn(self, identity: str, operation: dict) -> None:
        plan = confine.Plan.parse(operation.get("plan"), self._folders)
        secret = operation.get("secret")
        if not isinstance(secret, str):
            raise confine.PlanRefused("the secret is missing")
        if identity in self._sandboxes:
            raise confine.PlanRefused("a sandbox of this id exists already")
        if self._stopping:
            raise confine.PlanRefused("the keeper is stopping")
        used = {sandbox.slot for sandbox in self._sandboxes.values()}
        slot = next((slot for slot in range(_SLOTS) if slot not in used), None)
        if slot is None:
            raise confine.PlanRefused("every range of host ids is in use")
        sandbox = Sandbox(f"{slot:04d}-{identity}", slot, identity, plan=plan)
        self._sandboxes[identity] = sandbox
        self._cgroups.create(sandbox.name)
        self._cgroups.set_memory(sandbox.name, plan.memory_bytes)
        self._cgroups.set_cpu(sandbox.name, plan.cpu_cores)
        self._cgroups.set_processes(sandbox.name, plan.processes + 1)  # One for the warden.
        # Lets the gateway reset the peak before each execution, and nothing else.
        os.chown(self._cgroups.accounting_files(sandbox.name)["memory_peak"], self._gateway_uid, -1)
        for_zygote = self._maker.fork_warden(sandbox, secret)
        assert sandbox.report
        self._selector.register(
            sandbox.report, selectors.EVENT_READ, lambda: self._on_report(sandbox)
        )
        self._ask_zygote(sandbox, for_zygote)
        self._zygotes.replace_worn()

    def _make_porter(self, identity: str, sandbox: Sandbox | None, operation: dict) -> None:
        """One more process, for which the sandbox gets one more place. One that was there before ends
        with its connection, and here if it does not."""
        error = None
        try:
            secret = operation.get("secret")
            processes = confine.checked("processes", operation.get("processes"))
            if not isinstance(secret, str) or sandbox is None or sandbox.doomed:
                raise confine.PlanRefused("the sandbox has ended")
            self._cgroups.set_processes(sandbox.name, int(processes) + 2)
            if sandbox.porter_handle >= 0:
                self._kill(sandbox.porter_handle)
            self._maker.fork_porter(sandbox, secret)
        except (OSError, confine.PlanRefused) as failure:
            error = str(failure)[:200]  # The sandbox goes on without.
        self._tell({"event": "porter", "sandbox": identity, "error": error})

    @staticmethod
    def _kill(handle: int) -> None:
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            pass

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
                self._watch(handle, lambda: self._destroy(sandbox))
            elif inside == _KERNEL_PID:
                sandbox.kernel_handle = handle
                # Nobody is told the exit code of a process that is not a child.
                self._watch(handle, lambda: self._tell_kernel_exit(sandbox, -9))
            else:
                os.close(handle)
        # What ended while there was no keeper.
        if sandbox.warden_handle < 0:
            self._destroy(sandbox)
        elif sandbox.kernel_handle < 0:
            sandbox.kernel_exit = -9

    def _watch_orphans(self) -> None:
        """Kernels whose zygote has died have no parent that could tell their end."""
        for sandbox in self._sandboxes.values():
            if sandbox.zygote and sandbox.zygote not in self._zygotes and sandbox.kernel_handle >= 0:
                sandbox.zygote = None
                if not sandbox.doomed:
                    self._watch(
                        sandbox.kernel_handle, lambda one=sandbox: self._tell_kernel_exit(one, -9)
                    )

    def _watch(self, handle: int, then: Callable[[], None]) -> None:
        def once() -> None:
            self._selector.unregister(handle)
            then()

        self._selector.register(handle, selectors.EVENT_READ, once)

    # --- the zygote -------------------------------------------------------------------------

    def _lose_zygote(self, lost: ZygoteProcess) -> None:
        """Live sandboxes go on; those that wait for their kernel fail and are asked for again."""
        if lost not in self._zygotes:
            return
        was_current = self._zygotes.remove(lost)
        self._watch_orphans()
        if not was_current:
            return
        self._tell({"event": "zygote_lost"})
        for sandbox in list(self._sandboxes.values()):
            if sandbox.plan and sandbox.kernel_handle < 0 and not sandbox.doomed:
                self._fail(sandbox.identity, "the zygote died before the kernel was forked")

    def _ask_zygote(self, sandbox: Sandbox, for_zygote: dict[str, int]) -> None:
        """Hand the kernel's descriptors over. Ours are closed, whatever comes of it."""
        forking = self._zygotes.current
        if forking is None:
            self._close_all(list(for_zygote.values()))
            self._fail(sandbox.identity, "the zygote is being restarted")
            return
        assert sandbox.plan
        request = {
            "sandbox": sandbox.identity,
            "plan": vars(sandbox.plan),
            "host_uid": self._maker.host_uid(sandbox, confine.USER_ID),
        }
        given = {"warden": sandbox.warden_handle, **for_zygote}
        entrances = [
            os.open(path, os.O_WRONLY)
            for path in self._cgroups.entrances(sandbox.name, limited_cpu=True)
        ]
        descriptors = [given[name] for name in DESCRIPTORS] + entrances
        try:
            forking.fork_kernel(request, descriptors)
            sandbox.zygote = forking
        except OSError:
            self._lose_zygote(forking)
        finally:
            self._close_all([*entrances, *for_zygote.values()])

    @staticmethod
    def _close_all(descriptors: list[int]) -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    def _on_zygote(self, sender: ZygoteProcess) -> None:
        received = sender.receive()
        if received is None:
            self._lose_zygote(sender)
            return
        message, descriptors = received
        if "ready" in message:
            sender.ready = {"event": "zygote_ready", **message}
            self._zygotes.take_over(sender)
            self._tell(sender.ready)
            return
        identity = message.get("forked") or message.get("failed") or message.get("exited")
        sandbox = self._sandboxes.get(identity)
        if sandbox is None or sandbox.doomed:
            self._close_all(descriptors)
        elif "forked" in message:
            sandbox.kernel_handle = descriptors[0]
            files = self._cgroups.accounting_files(sandbox.name)
            self._tell(
                {
                    "event": "spawned",
                    "sandbox": identity,
                    "accounting": files,
                    "pids": {"kernel": message["pid"], "warden": sandbox.warden_pid},
                    "host_uids": self._host_uids(sandbox),
                }
            )
        elif "failed" in message:
            self._fail(identity, message["message"])
        else:
            self._tell_kernel_exit(sandbox, message["code"])

    def _host_uids(self, sandbox: Sandbox) -> dict[str, int]:
        ids = {"user": confine.USER_ID, "warden": confine.WARDEN_ID}
        return {name: self._maker.host_uid(sandbox, inside) for name, inside in ids.items()}

    def _tell_kernel_exit(self, sandbox: Sandbox, code: int) -> None:
        """`code` is negative for a signal. Whether memory ran out is the kernel's own count."""
        sandbox.kernel_exit = code
        self._tell(
            {
                "event": "kernel_exited",
                "sandbox": sandbox.identity,
                "code": code,
                "oom_kills": self._cgroups.oom_kills(sandbox.name),
            }
        )

    # --- limiting and ending ----------------------------------------------------------------

    def _interrupt(self, sandbox: Sandbox | None) -> None:
        if sandbox and sandbox.kernel_handle >= 0:
            try:
                signal.pidfd_send_signal(sandbox.kernel_handle, signal.SIGINT)
            except ProcessLookupError:
                pass

    def _limit(self, sandbox: Sandbox | None, operation: dict) -> None:
        if sandbox is None or sandbox.doomed:
            return
        error = None
        try:
            memory_bytes = confine.checked("memory_bytes", operation.get("memory_bytes"))
            cpu_cores = confine.checked("cpu_cores", operation.get("cpu_cores"))
            self._cgroups.set_memory(sandbox.name, int(memory_bytes))
            self._cgroups.set_cpu(sandbox.name, cpu_cores)
        except (OSError, confine.PlanRefused) as failure:
            # Memory in use cannot be limited below itself; the sandbox goes on as it was.
            error = str(failure)[:200]
        self._tell({"event": "limited", "sandbox": sandbox.identity, "error": error})

    def _mount(self, identity: str, sandbox: Sandbox | None, names: object) -> None:
        """Folders for a session that asks for them. Told when the child has ended."""
        problem = self._folders.unknown(names)
        if problem is None and (sandbox is None or sandbox.doomed or sandbox.warden_handle < 0):
            problem = "the sandbox has ended"
        if identity in self._mounting.values():
            problem = "a mount is on its way"
        if problem is None:
            try:
                self._mounting[self._maker.fork_to_mount(sandbox, names)] = identity
                return
            except OSError as failure:
                problem = str(failure)[:200]
        self._tell({"event": "mounted", "sandbox": identity, "error": problem})

    def _tell_mounted(self, pid: int, status: int) -> None:
        error = "the folder cannot be mounted, see the log" if status else None
        self._tell({"event": "mounted", "sandbox": self._mounting.pop(pid), "error": error})

    def _panic(self) -> None:
        """Everything stops where it stands, and only then is killed: nothing that runs can answer
        the end of its neighbours. Those that are half made or half dead are killed alike."""
        started = time.monotonic()
        error = None
        try:
            self._cgroups.freeze()
        except OSError as failure:
            error = str(failure)[:200]  # Killing needs no freezing; what failed is told.
        self._tell(
            {
                "event": "frozen",
                "sandboxes": len(self._sandboxes),
                "processes": self._count_processes(),
                "seconds": time.monotonic() - started,
                "error": error,
            }
        )
        for sandbox in list(self._sandboxes.values()):
            self._destroy(sandbox)
        try:
            self._cgroups.thaw()
        except OSError as failure:
            sys.stderr.write(f"the sandboxes cannot be thawed: {failure}\n")

    def _count_processes(self) -> int:
        return sum(len(self._cgroups.processes(name)) for name in self._cgroups.names())

    def _tell_census(self) -> None:
        """What there is by the groups themselves, not by what this process remembers."""
        groups = len(self._cgroups.names())
        self._tell({"event": "census", "sandboxes": groups, "processes": self._count_processes()})

    def _inspect(self, identity: str, sandbox: Sandbox | None) -> None:
        """Tell what the kernel says about a sandbox; the gateway judges it."""
        facts = error = None
        try:
            if sandbox and not sandbox.doomed:
                facts = {
                    **inspection.sandbox(
                        sandbox.kernel_handle, sandbox.warden_handle, sandbox.porter_handle
                    ),
                    "limits": self._cgroups.limits(sandbox.name),
                    "host_uids": self._host_uids(sandbox),
                }
        except OSError as failure:
            error = str(failure)[:200]
        self._tell({"event": "inspected", "sandbox": identity, "facts": facts, "error": error})

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
        if sandbox.warden_handle >= 0:
            self._kill(sandbox.warden_handle)
        self._cgroups.kill(sandbox.name)

    def _remove_doomed(self) -> None:
        for sandbox in [one for one in self._sandboxes.values() if one.doomed]:
            if sandbox.warden_pid == 0 and self._cgroups.remove(sandbox.name):
                for handle in (sandbox.warden_handle, sandbox.kernel_handle, sandbox.porter_handle):
                    if handle >= 0:
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
            if pid in self._mounting:
                self._tell_mounted(pid, status)
            ended = self._zygotes.with_pid(pid)
            if ended:
                self._lose_zygote(ended)
            for sandbox in self._sandboxes.values():
                if sandbox.warden_pid == pid:
                    sandbox.warden_pid = 0
                    if sandbox.report:
                        self._on_report(sandbox)  # A step that has failed names itself there.
                    sockets = os.waitstatus_to_exitcode(status) == warden.EXIT_SOCKET_MEMORY
                    out_of_memory = sockets or self._cgroups.oom_kills(sandbox.name) > 0
                    # The gateway may have seen the warden's connection end before we do.
                    if not sandbox.doomed or sockets:
                        # PID 1 is gone and the rest with it; tell why before the groups go.
                        self._tell(
                            {
                                "event": "sandbox_died",
                                "sandbox": sandbox.identity,
                                "out_of_memory": out_of_memory,
                            }
                        )
                        self._destroy(sandbox)
                    break


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
