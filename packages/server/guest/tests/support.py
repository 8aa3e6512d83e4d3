"""What several test modules need. Holds no tests of its own."""

import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from typing import Any, Callable

from _glovebox.confine import linux
from _glovebox.wire import frames

PATIENCE_S = 30.0


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns, as JSON, when run in a forked child: for what cannot be undone."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            answer = {"value": work()}
        except BaseException:
            answer = {"failure": traceback.format_exc()}
        try:
            os.write(write, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(write)
    chunks = []
    while chunk := os.read(read, 65536):
        chunks.append(chunk)
    os.close(read)
    os.waitpid(pid, 0)
    answer = json.loads(b"".join(chunks) or b'{"failure": "the child died without an answer"}')
    if "failure" in answer:
        raise AssertionError(answer["failure"])
    return answer["value"]


def eventually(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Whether `condition` becomes true in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def output_pipe() -> tuple[int, int]:
    """A pipe as the keeper makes it: reading never blocks, writing does."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    return read, write


def read_frames(connection: socket.socket, quiet_s: float = 0.0) -> list[dict]:
    """Every frame that is there, until nothing has come for `quiet_s`."""
    reader = frames.FrameReader(connection)
    found: list[dict] = []
    while select.select([connection], [], [], quiet_s)[0]:
        try:
            found += reader.read_available()
        except frames.ChannelClosed:
            break
    return found


def text_of(messages: list[dict], name: str) -> str:
    """The decoded text of one stream."""
    latin1 = "".join(
        message["content"]["text"]
        for message in messages
        if message["msg_type"] == "stream" and message["content"]["name"] == name
    )
    return latin1.encode("latin-1").decode("utf-8")


# What an execute_reply leaves out when there is nothing to tell.
_REPLY_DEFAULTS = {"error": None, "exit_code": None, "files_created": [], "files_modified": []}
_prepared: list = []


def prepared_kernel():
    """The kernel that every KernelProcess is forked from, built on first use."""
    if not _prepared:
        # These two generators exist before the fork, as those of preloaded libraries do.
        import numpy.random
        import sympy.core.random

        sys.modules["early_generator"] = generator = type(sys)("early_generator")
        generator.generator = numpy.random.default_rng(1)

        from _glovebox.kernel import kernel

        _prepared.append(kernel.prepare())
    return _prepared[0]


class CellRun:
    """What a kernel sent for one cell."""

    def __init__(self, messages: list[dict]):
        self.messages = messages
        self.reply = {**_REPLY_DEFAULTS, **messages[-1]["content"]}

    @property
    def status(self) -> str:
        return self.reply["status"]

    @property
    def stdout(self) -> str:
        return text_of(self.messages, "stdout")

    @property
    def stderr(self) -> str:
        return text_of(self.messages, "stderr")

    @property
    def value(self) -> str | None:
        """The last expression's value as text."""
        for message in self.messages:
            if message["msg_type"] == "execute_result":
                return message["content"]["data"]["text/plain"]
        return None


class KernelProcess:
    """A kernel forked from the prepared one as the zygote does it, in a mount namespace with a
    /tmp and a /workspace of its own, and without the rest of the confinement."""

    def __init__(self):
        kernel = prepared_kernel()
        self._connection, theirs = socket.socketpair()
        lock = os.memfd_create("lock")
        stdout_read, stdout = output_pipe()
        stderr_read, stderr = output_pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                self._connection.close()
                os.unshare(os.CLONE_NEWNS)
                os.makedirs("/dev/shm", exist_ok=True)
                for place in ("/tmp", "/workspace", "/dev/shm"):
                    linux.mount("tmpfs", place, "tmpfs", 0, "size=64m,mode=1777")
                code = kernel.run(
                    {
                        "connection": theirs.detach(),
                        "lock": lock,
                        "stdout_read": stdout_read,
                        "stdout": stdout,
                        "stderr_read": stderr_read,
                        "stderr": stderr,
                    }
                )
            finally:
                os._exit(code)
        theirs.close()
        for descriptor in (lock, stdout_read, stdout, stderr_read, stderr):
            os.close(descriptor)
        self._connection.settimeout(PATIENCE_S)
        self._reader = frames.FrameReader(self._connection)
        assert self._reader.read()["msg_type"] == "kernel_ready"

    def send(self, msg_type: str, content: dict) -> None:
        self._connection.sendall(frames.encode({"msg_type": msg_type, "content": content}))

    def start(
        self, code: str, output_bytes_max: int = 1_000_000, allow_input: bool = False, **more
    ) -> None:
        content = {
            "code": code,
            "output_bytes_max": output_bytes_max,
            "sent_at": time.monotonic(),
            "allow_input": allow_input,
            **more,
        }
        self.send("execute_request", content)

    def wait_for(self, msg_type: str) -> dict:
        """The content of the next message of this type; what comes before is thrown away."""
        while (message := self._reader.read())["msg_type"] != msg_type:
            pass
        return message["content"]

    def ask(self, name: str, timeout_ms: int = 20_000, **content) -> tuple[str, dict]:
        """The next message after a question: its type and its content."""
        self.send(f"{name}_request", {"timeout_ms": timeout_ms, **content})
        message = self._reader.read()
        return message["msg_type"], message["content"]

    def finish(self) -> CellRun:
        messages = [self._reader.read()]
        while messages[-1]["msg_type"] != "execute_reply":
            messages.append(self._reader.read())
        return CellRun(messages)

    def run(self, code: str, output_bytes_max: int = 1_000_000, **more) -> CellRun:
        self.start(code, output_bytes_max, **more)
        return self.finish()

    def set_patience(self, seconds: float) -> None:
        self._connection.settimeout(seconds)

    def interrupt(self) -> None:
        os.kill(self.pid, signal.SIGINT)

    def disconnect(self) -> int:
        """Close the connection as the gateway does, and return the kernel's exit code."""
        self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        self._connection.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def __enter__(self) -> "KernelProcess":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def open_descriptors() -> dict[str, str]:
    """Of this process, with what each stands for."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            pass  # The list's own.
    return found


def temporary_directory() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="guest-test-")
