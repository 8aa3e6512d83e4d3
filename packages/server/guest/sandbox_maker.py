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

import cgroups as control_groups
import confine
import frames
import linux
import porter_steps
import porter_wire
import warden
from folders import Folders, Mounts, close_all
from plan import USER_ID, WARDEN_ID, Context
from sandbox import Sandbox

RUN_DIRECTORY = "/run/glovebox"
_IDS_PER_SLOT = 2


def _connect(identity: str, secret: str, role: str) -> socket.socket:
    """A connection to the gateway, introduced before any guest code could speak on it. A gateway that takes
    no connections fails this, and is not waited for."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.setblocking(False)
        connection.connect(f"{RUN_DIRECTORY}/guest.sock")
        content = {"sandbox": identity, "secret": secret, "role": role}
        connection.sendall(frames.encode({"msg_type": "hello", "content": content}))
        connection.setblocking(True)
    except BaseException:
        connection.close()
        raise
    return connection


def _closed_by(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _reopen(descriptor: int, flags: int) -> int:
    """What is open already, by a description of its own."""
    return os.open(f"/proc/self/fd/{descriptor}", flags | os.O_CLOEXEC)


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
        programs: "Programs",
        groups: control_groups.Cgroups,
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
        closes them."""
        assert sandbox.plan
        host_uid = self.host_uid(sandbox, USER_ID)
        # Whatever fails on the way, nothing of it stays open. `for_zygote` also holds what is kept here.
        with ExitStack() as for_warden, ExitStack() as for_zygote:
            mounts = self._folders.copies(sandbox.plan.mounts, host_uid)
            for_warden.callback(close_all, mounts)
            control = for_warden.enter_context(_connect(sandbox.identity, secret, "warden"))
            connection = for_zygote.enter_context(_connect(sandbox.identity, secret, "kernel"))
            report, child_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in (report, child_report):
                for_zygote.enter_context(end)
            report.setblocking(False)  # Whoever has died may have left no word.
            lock = _closed_by(for_zygote, os.memfd_create("lock", os.MFD_CLOEXEC))
            # A second open file description: flock knows owners by description, not by process.
            warden_lock = _closed_by(for_warden, _reopen(lock, os.O_RDWR))
            stdout_read, stdout = (_closed_by(for_zygote, end) for end in os.pipe2(os.O_CLOEXEC))
            stderr_read, stderr = (_closed_by(for_zygote, end) for end in os.pipe2(os.O_CLOEXEC))
            os.set_blocking(stdout_read, False)
            os.set_blocking(stderr_read, False)
            # User code can make the kernel's ends block; the warden's are descriptions of its own.
            warden_pipes = {
                name: _closed_by(for_warden, _reopen(pipe, os.O_RDONLY | os.O_NONBLOCK))
                for name, pipe in (("stdout", stdout_read), ("stderr", stderr_read))
            }
            built_read, built = (_closed_by(for_zygote, end) for end in os.pipe2(os.O_CLOEXEC))

            os.unshare(os.CLONE_NEWPID)
            try:
                pid = os.fork()
                if pid == 0:
                    self._become_warden(
                        sandbox, control, connection, warden_lock, warden_pipes, child_report, mounts
                    )
            finally:
                self._return_to_own_pid_namespace()
            sandbox.warden_pid = pid
            sandbox.warden_handle = _watched(pid)
            sandbox.report, sandbox.built = report, built
            for_zygote.pop_all()  # Theirs from here on who get them.
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

    def _return_to_own_pid_namespace(self) -> None:
        """Where that fails, every later child would be in a sandbox: another keeper takes over."""
        try:
            os.setns(self._own_pid_namespace, os.CLONE_NEWPID)
        except OSError as failure:
            sys.exit(f"glovebox: the keeper cannot leave a PID namespace: {failure}")

    def _become_warden(
        self,
        sandbox: Sandbox,
        control: socket.socket,
        connection: socket.socket,
        lock: int,
        pipes: dict[str, int],
        report: socket.socket,
        mounts: Mounts,
    ) -> None:
        """In the child: enter the groups, confine, serve. Never returns."""
        code = 1
        try:
            confine.reset_signals()
            linux.name_process("gb-warden")
            for entrance in self._cgroups.entrances(sandbox.name, limited_cpu=False):
                with open(entrance, "w", encoding="ascii") as file:
                    file.write("0")

            def map_ids() -> None:
                report.send(b"map")
                if report.recv(16) != b"mapped":
                    raise OSError("the keeper did not map the ids")

            kept = {control.fileno(), connection.fileno(), lock, report.fileno(), *pipes.values()}
            kept.update(mount for mount, _ in mounts)
            assert sandbox.plan
            context = Context(
                plan=sandbox.plan,
                host_uid=self.host_uid(sandbox, USER_ID),
                hostname=f"sandbox-{sandbox.identity[:8]}",
                tree=self._tree,
                keep_descriptors=frozenset(kept),
                seccomp_program=self._programs.guest,
                map_ids=map_ids,
                has_data=self._folders.has_data,
                mounts=mounts,
            )
            confine.confine(confine.WARDEN_STEPS, context)
            report.close()
            code = warden.Warden(control, connection, lock, pipes).run()
        except confine.StepFailed as failure:
            report.send(f"!warden {failure}".encode()[:1000])
        finally:
            os._exit(code)

    def fork_porter(self, sandbox: Sandbox, secret: str) -> None:
        """Fork the process that serves a sandbox's files, into the warden's PID namespace. It tells the
        gateway by its connection how it fares."""
        connection = _connect(sandbox.identity, secret, "porter")
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
            import porter  # No other process needs archives and what they load.

            for entrance in self._cgroups.entrances(sandbox.name, limited_cpu=False):
                with open(entrance, "w", encoding="ascii") as file:
                    file.write("0")
            context = Context(
                plan=sandbox.plan,
                host_uid=self.host_uid(sandbox, USER_ID),
                hostname="",  # Has been set by the warden, as the root has been mounted.
                tree="",
                keep_descriptors=frozenset({connection.fileno()}),
                seccomp_program=self._programs.porter,
                map_ids=lambda: None,
            )
            confine.confine(porter_steps.porter_steps(sandbox.warden_handle), context)
            porter.Porter(connection).run()
        except confine.StepFailed as failure:
            connection.sendall(porter_wire.json_frame(0, porter_wire.FAIL, {"code": str(failure)[:500]}))
        finally:
            os._exit(1)

    def host_uid(self, sandbox: Sandbox, inside: int) -> int:
        """The host's id behind an id inside: unlike that of any other sandbox or instance."""
        offset = {WARDEN_ID: 0, USER_ID: 1}[inside]
        return self._uid_base + sandbox.slot * _IDS_PER_SLOT + offset

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
