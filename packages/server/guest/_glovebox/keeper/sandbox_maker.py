"""Making a sandbox: the keeper's part of it, up to the two forks.

The warden is forked here, by the keeper, which is small: its child costs little memory and no time. The
kernel is forked by the zygote, from what this returns.
"""

import os
import signal
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from _glovebox.confine import confine, linux
from _glovebox.confine.descriptors import adopted, lowered
from _glovebox.confine.folders import Folders, close_all
from _glovebox.confine.plan import Context, Plan
from _glovebox.keeper.cgroups.contract import Cgroups
from _glovebox.keeper.sandbox import Sandbox
from _glovebox.keeper.warden_ends import WardenEnds
from _glovebox.porter import steps as porter_steps, wire as porter_wire
from _glovebox.warden import warden
from _glovebox.wire import fault, frames
from _glovebox.wire.agreement import IDS_PER_SLOT, USER_ID, WARDEN_ID

RUN_DIRECTORY = "/run/glovebox"


def _connect(sandbox_id: str, secret: str, role: str) -> socket.socket:
    """A connection to the gateway, introduced before any guest code could speak on it. A gateway that takes
    no connections fails this, and is not waited for."""
    content = {"sandbox": sandbox_id, "secret": secret, "role": role}
    with ExitStack() as unless_introduced:
        connection = unless_introduced.enter_context(socket.socket(socket.AF_UNIX))
        connection.setblocking(False)
        connection.connect(f"{RUN_DIRECTORY}/guest.sock")
        connection.sendall(frames.encode({"msg_type": "hello", "content": content}))
        connection.setblocking(True)
        unless_introduced.pop_all()
        return connection


def _held(stack: ExitStack, descriptor: int) -> int:
    """The descriptor, which the stack closes."""
    stack.callback(os.close, descriptor)
    return descriptor


def _pipe(stack: ExitStack) -> tuple[int, int]:
    read, write = os.pipe2(os.O_CLOEXEC)
    return _held(stack, read), _held(stack, write)


def _reopened(stack: ExitStack, descriptor: int, flags: int) -> int:
    """Another open file description of the same file."""
    return _held(stack, os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC))


def _watched(pid: int) -> int:
    """A pidfd of a child. One that could not be watched is not let live."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)  # It is ours and has not been reaped.
        raise


@dataclass(frozen=True)
class Programs:
    """System call filters, assembled once."""

    guest: bytes
    porter: bytes


class SandboxMaker:
    """What all sandboxes of an instance have in common."""

    def __init__(
        self,
        tree: str,
        uid_base: int,
        programs: Programs,
        groups: Cgroups,
        folders: Folders,
    ):
        self._tree = tree
        self._uid_base = uid_base
        self._programs = programs
        self._cgroups = groups
        self._folders = folders
        self._own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)

    def fork_warden(self, sandbox: Sandbox, secret: str) -> dict[str, int]:
        """Fork PID 1. Returns the descriptors for the zygote, by their names there; the caller
        closes them. When a step fails, nothing that was opened before stays open."""
        assert sandbox.plan
        # What only the warden needs is closed here in any case; the rest, unless it can go on.
        with ExitStack() as wardens, ExitStack() as going_on:
            mounts = self._folders.copies(sandbox.plan.mounts, self.host_uid(sandbox, USER_ID))
            wardens.callback(close_all, mounts)
            control = wardens.enter_context(_connect(sandbox.id, secret, "warden"))
            connection = going_on.enter_context(_connect(sandbox.id, secret, "kernel"))
            report, child_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            going_on.enter_context(report)
            going_on.enter_context(child_report)
            report.setblocking(False)  # A child that has died may have left no word.
            lock = _held(going_on, os.memfd_create("lock", os.MFD_CLOEXEC))
            stdout_read, stdout = _pipe(going_on)
            stderr_read, stderr = _pipe(going_on)
            built_read, built = _pipe(going_on)
            os.set_blocking(stdout_read, False)
            os.set_blocking(stderr_read, False)
            ends = WardenEnds(
                control=control,
                connection=connection,
                # A second open file description: flock knows owners by description, not by process.
                lock=_reopened(wardens, lock, os.O_RDWR),
                # User code can make the kernel's ends block; these are descriptions of the warden's own.
                pipes={
                    "stdout": _reopened(wardens, stdout_read, os.O_RDONLY | os.O_NONBLOCK),
                    "stderr": _reopened(wardens, stderr_read, os.O_RDONLY | os.O_NONBLOCK),
                },
                report=child_report,
                mounts=mounts,
            )
            sandbox.warden_pid = self._fork_into_new_namespace(sandbox, ends)
            sandbox.warden_handle = _watched(sandbox.warden_pid)
            going_on.pop_all()
            sandbox.report, sandbox.built = report, built
            return {
                "built": built_read,
                "report": child_report.detach(),
                "connection": connection.detach(),
                "lock": lock,
                "stdout_read": stdout_read,
                "stdout": stdout,
                "stderr_read": stderr_read,
                "stderr": stderr,
            }

    def _fork_into_new_namespace(self, sandbox: Sandbox, ends: WardenEnds) -> int:
        os.unshare(os.CLONE_NEWPID)
        try:
            pid = os.fork()
            if pid == 0:
                self._become_warden(sandbox, ends)
            return pid
        finally:
            self._return_to_own_pid_namespace()

    def _return_to_own_pid_namespace(self) -> None:
        """Where that fails, every later child would be in a sandbox: another keeper takes over."""
        try:
            os.setns(self._own_pid_namespace, os.CLONE_NEWPID)
        except OSError as failure:
            sys.exit(f"glovebox: the keeper cannot leave a PID namespace: {failure}")

    def _become_warden(self, sandbox: Sandbox, ends: WardenEnds) -> None:
        """In the child: enter the groups, confine, serve. Never returns."""
        code = 1
        try:
            confine.reset_signals()
            linux.name_process("gb-warden")
            ends = ends.with_low_numbers()
            for entrance in self._cgroups.entrances(sandbox.name, limited_cpu=False):
                with open(entrance, "w", encoding="ascii") as file:
                    file.write("0")

            def map_ids() -> None:
                ends.report.send(b"map")
                if ends.report.recv(16) != b"mapped":
                    raise OSError("the keeper did not map the ids")

            assert sandbox.plan
            context = Context(
                plan=sandbox.plan,
                host_uid=self.host_uid(sandbox, USER_ID),
                file_bytes=self.file_bytes(sandbox.plan),
                hostname=f"sandbox-{sandbox.id[:8]}",
                tree=self._tree,
                keep_descriptors=ends.descriptors,
                seccomp_program=self._programs.guest,
                map_ids=map_ids,
                has_data=self._folders.has_data,
                mounts=ends.mounts,
            )
            confine.confine(confine.WARDEN_STEPS, context)
            ends.report.close()
            code = warden.Warden(ends.control, ends.connection, ends.lock, ends.pipes).run()
        except confine.StepFailed as failure:
            ends.report.send(f"!warden {failure}".encode()[:1000])
        except BaseException as failure:
            fault.tell(ends.control, failure)
            code = warden.EXIT_FAULT
        finally:
            os._exit(code)

    def fork_porter(self, sandbox: Sandbox, secret: str) -> None:
        """Fork the process that serves a sandbox's files, into the warden's PID namespace. It tells the
        gateway by its connection how it fares."""
        connection = _connect(sandbox.id, secret, "porter")
        try:
            os.setns(sandbox.warden_handle, os.CLONE_NEWPID)
            try:
                pid = os.fork()
                if pid == 0:
                    self._become_porter(sandbox, connection)
            finally:
                self._return_to_own_pid_namespace()
        finally:
            connection.close()
        before, sandbox.porter_handle = sandbox.porter_handle, _watched(pid)
        if before >= 0:
            os.close(before)

    def _become_porter(self, sandbox: Sandbox, connection: socket.socket) -> None:
        """In the child: load what it needs while that can be seen, confine, serve. Never returns."""
        try:
            confine.reset_signals()
            linux.name_process("gb-porter")
            wanted = [sandbox.warden_handle, connection.fileno()]
            warden_handle, number = lowered(wanted, porter_steps.LINKS_DESCRIPTOR + 1)
            connection = adopted(connection, number)
            from _glovebox.porter import porter  # No other process needs archives and what they load.

            for entrance in self._cgroups.entrances(sandbox.name, limited_cpu=False):
                with open(entrance, "w", encoding="ascii") as file:
                    file.write("0")
            assert sandbox.plan
            context = Context(
                plan=sandbox.plan,
                host_uid=self.host_uid(sandbox, USER_ID),
                file_bytes=self.file_bytes(sandbox.plan),
                hostname="",  # Has been set by the warden, as the root has been mounted.
                tree="",
                keep_descriptors=frozenset({connection.fileno()}),
                seccomp_program=self._programs.porter,
                map_ids=lambda: None,
            )
            confine.confine(porter_steps.porter_steps(warden_handle), context)
            porter.Porter(connection).run()
        except confine.StepFailed as failure:
            connection.sendall(porter_wire.json_frame(0, porter_wire.FAIL, {"code": str(failure)[:500]}))
        except BaseException as failure:
            told = {"code": fault.described(failure)}
            connection.sendall(porter_wire.json_frame(0, porter_wire.FAIL, told))
        finally:
            os._exit(1)

    def file_bytes(self, plan: Plan) -> int:
        """How large a file in a sandbox may claim to be."""
        return plan.file_bytes(self._folders.has_writable)

    def host_uid(self, sandbox: Sandbox, inside: int) -> int:
        """The host's id behind an id inside: unlike that of any other sandbox or instance."""
        offset = {WARDEN_ID: 0, USER_ID: 1}[inside]
        return self._uid_base + sandbox.slot * IDS_PER_SLOT + offset

    def host_uids(self, sandbox: Sandbox) -> dict[str, int]:
        """Both of the sandbox's ids outside, by who has them."""
        ids = {"user": USER_ID, "warden": WARDEN_ID}
        return {name: self.host_uid(sandbox, inside) for name, inside in ids.items()}

    def fork_to_mount(self, sandbox: Sandbox, names: list[str]) -> int:
        """Have folders appear in a living sandbox. The pid of the child that does it."""
        host_uid = self.host_uid(sandbox, USER_ID)
        return self._folders.fork_to_show(names, host_uid, sandbox.warden_handle)

    def map_ids(self, sandbox: Sandbox) -> None:
        """Give the warden's user namespace its two ids. Only a process outside of it can."""
        lines = "".join(
            f"{inside} {self.host_uid(sandbox, inside)} 1\n"
            for inside in (WARDEN_ID, USER_ID)
        )
        for kind in ("uid_map", "gid_map"):
            descriptor = os.open(f"/proc/{sandbox.warden_pid}/{kind}", os.O_WRONLY)
            try:
                os.write(descriptor, lines.encode())  # The map must arrive in a single write.
            finally:
                os.close(descriptor)
