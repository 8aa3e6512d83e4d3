"""The zygote: imports everything once, then forks a kernel for each sandbox.

It holds privilege only to place its children into namespaces; it never runs user code, reads
nothing that a guest has written, and talks to the keeper alone. The child that becomes a kernel
gives up everything before the first user byte arrives.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time

from _glovebox import policy
from _glovebox.confine import confine, linux, seccomp
from _glovebox.confine.plan import Context, Plan
from _glovebox.wire import fault
from _glovebox.wire.zygote_channel import DESCRIPTORS, KEEPER_DESCRIPTOR, receive

_NOT_FOR_THE_KERNEL = ("warden", "built")


def kernel_environment() -> dict[str, str]:
    """What libraries read from the environment when they are imported."""
    return {
        "OPENBLAS_NUM_THREADS": "1",
        "HOME": "/tmp",
        "MPLCONFIGDIR": "/tmp",
        # Figures come as data for the client to draw; by itself plotly would look for a browser.
        "PLOTLY_RENDERER": "plotly_mimetype",
    }


def preload(path: str) -> list[str]:
    """Import the modules listed in `path`. Returns those that the root file system does not have."""
    missing = []
    with open(path, encoding="utf-8") as file:
        names = [line.split("#")[0].strip() for line in file]
    for name in filter(None, names):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


class Zygote:
    """Serves fork requests from `keeper`, one at a time."""

    def __init__(self, keeper: socket.socket, seccomp_program: bytes, preload_list: str):
        self._keeper = keeper
        self._seccomp_program = seccomp_program
        self._preload_list = preload_list
        self._children: dict[int, str] = {}
        self._own_pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)
        self._retired = False

    def run(self) -> None:
        """Import, then serve until the keeper closes the connection."""
        started = time.monotonic()
        os.environ.update(kernel_environment())
        missing = preload(self._preload_list)
        # Everything heavy that the kernel needs is built here, once, instead of after each fork.
        from _glovebox.kernel import kernel

        self._prepared = kernel.prepare()
        gc.collect()
        gc.freeze()  # Later collections leave the shared pages alone.
        linux.collapse_heap_into_huge_pages()
        self._send({"ready": True, "seconds": time.monotonic() - started, "missing": missing})

        wakeup_read, wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._keeper, select.POLLIN)
        poll.register(wakeup_read, select.POLLIN)
        while not (self._retired and not self._children):
            for descriptor, _ in poll.poll():
                if descriptor == wakeup_read:
                    os.read(wakeup_read, 4096)
                    self._reap()
                elif not self._serve():
                    return  # The keeper is gone.

    def _send(self, message: dict, descriptors: tuple[int, ...] = ()) -> None:
        socket.send_fds(self._keeper, [json.dumps(message).encode()], descriptors)

    def _reap(self) -> None:
        # User code cannot make itself our child, but if it could, its zombies must not stay.
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            sandbox = self._children.pop(pid, None)
            if sandbox:
                code = os.waitstatus_to_exitcode(status)
                self._send({"exited": sandbox, "code": code})

    def _serve(self) -> bool:
        data, descriptors = receive(self._keeper, 32)
        if not data:
            return False
        try:
            request = json.loads(data)
            if "retire" in request:
                self._retired = True
                return True
            self._fork(request, dict(zip(DESCRIPTORS, descriptors)), descriptors[len(DESCRIPTORS) :])
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _fork(self, request: dict, given: dict[str, int], entrances: list[int]) -> None:
        """Fork into the PID namespace of the warden. Choosing it here, in the parent, is the only
        way: a PID namespace is entered by being born in it."""
        try:
            os.setns(given["warden"], os.CLONE_NEWPID)
        except OSError as failure:
            self._send({"failed": request["sandbox"], "message": f"the warden is gone: {failure}"})
            return
        try:
            pid = os.fork()
        except OSError as failure:
            os.setns(self._own_pid_namespace, os.CLONE_NEWPID)
            self._send({"failed": request["sandbox"], "message": f"fork: {failure}"})
            return
        if pid == 0:
            self._become_kernel(request, given, entrances)
        os.setns(self._own_pid_namespace, os.CLONE_NEWPID)
        self._children[pid] = request["sandbox"]
        handle = os.pidfd_open(pid)
        self._send({"forked": request["sandbox"], "pid": pid}, (handle,))
        os.close(handle)

    def _become_kernel(self, request: dict, given: dict[str, int], entrances: list[int]) -> None:
        """In the child: confine, then run cells until the connection ends. Never returns."""
        code = 1
        try:
            confine.reset_signals()
            linux.name_process("gb-kernel")
            for entrance in entrances:
                os.write(entrance, b"0")
            kept = {name: given[name] for name in DESCRIPTORS if name not in _NOT_FOR_THE_KERNEL}
            context = Context(
                plan=Plan(**request["plan"]),
                host_uid=request["host_uid"],
                file_bytes=request["file_bytes"],
                hostname="",  # Has been set by the warden, as the root has been mounted.
                tree="",
                keep_descriptors=frozenset(kept.values()),
                seccomp_program=self._seccomp_program,
                map_ids=lambda: None,
            )
            steps = confine.kernel_steps(given["warden"], given["built"])
            confine.confine(steps, context)
            os.close(kept.pop("report"))
            code = self._prepared.run(kept)
        except confine.StepFailed as failure:
            os.write(given["report"], f"!kernel {failure}".encode())
        except BaseException as failure:  # The child must not return into the zygote's loop.
            sys.stderr.write(f"the kernel ended: {failure!r}\n")
            fault.tell(socket.socket(fileno=given["connection"]), failure)
        finally:
            os._exit(code)


def main() -> None:
    """Entry point of the program that the keeper starts."""
    linux.name_process("gb-zygote")
    program = seccomp.load_program(policy.DIRECTORY)
    keeper = socket.socket(fileno=KEEPER_DESCRIPTOR)
    Zygote(keeper, program, f"{policy.DIRECTORY}/preload.txt").run()
