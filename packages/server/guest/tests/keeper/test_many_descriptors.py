"""Wardens and porters of a keeper that holds thousands of descriptors."""

import os
import resource
import socket
import unittest
from contextlib import ExitStack
from typing import Any, Callable
from unittest import mock

from _glovebox.confine import confine
from _glovebox.confine.plan import Plan
from _glovebox.keeper import inspection, sandbox_maker
from _glovebox.keeper.sandbox import Sandbox
from _glovebox.keeper.sandbox_maker import Programs, SandboxMaker
from _glovebox.warden import warden
from _glovebox.porter import steps as porter_steps, wire as porter_wire
from _glovebox.wire import frames
from tests.support import PATIENCE_S, in_child, open_descriptors, temporary_directory

HELD = 2100
# A warden has seven descriptors for good, and opens one file at a time.
NUMBERS_END = 16
# Of all the steps of confinement, the one that closes descriptors.
CLOSING = (confine.close_descriptors,)
PLAN = Plan(1 << 30, 1.0, 64, 256, 1 << 30, 4096, 1 << 30, 4096, 1 << 30, 4096, [])


class CgroupsDouble:
    def entrances(self, *_: Any, **__: Any) -> list[str]:
        return []


class FoldersDouble:
    has_data = True
    has_writable = False

    def copies(self, *_: Any) -> list[tuple[int, str]]:
        return [(os.open("/dev/null", os.O_RDONLY), "/data/folder")]


class Gateway:
    """Takes what a keeper connects, by the role of each."""

    def __init__(self, listener: socket.socket):
        self._listener = listener
        self.ends: dict[str, socket.socket] = {}
        self.readers: dict[str, frames.FrameReader] = {}

    def accept(self, count: int) -> None:
        for _ in range(count):
            connection, _ = self._listener.accept()
            connection.settimeout(PATIENCE_S)
            hello = b""
            length = int.from_bytes(connection.recv(4), "big")
            while len(hello) < length:
                hello += connection.recv(length - len(hello))
            role = frames.decode(hello)["content"]["role"]
            self.ends[role] = connection
            self.readers[role] = frames.FrameReader(connection)

    def close(self) -> None:
        for connection in self.ends.values():
            connection.close()

    def tell_warden(self, msg_type: str, **content: Any) -> None:
        self.ends["warden"].sendall(frames.encode({"msg_type": msg_type, "content": content}))


def with_many_descriptors(work: Callable[[SandboxMaker, Gateway], Any]) -> Any:
    """What `work` returns, in a process in which no number below HELD is free."""

    def prepared() -> Any:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * HELD), max(hard, 2 * HELD)))
        with ExitStack() as stack:
            folder = stack.enter_context(temporary_directory())
            while os.open("/dev/null", os.O_RDONLY) < HELD:
                pass
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(f"{folder}/guest.sock")
            listener.listen(8)
            stack.enter_context(mock.patch.object(sandbox_maker, "RUN_DIRECTORY", folder))
            programs = Programs(b"", b"")
            maker = SandboxMaker("tree", 0, programs, CgroupsDouble(), FoldersDouble())  # type: ignore[arg-type]
            gateway = Gateway(listener)
            stack.callback(gateway.close)
            return work(maker, gateway)

    return in_child(prepared)


def descriptors_of(pid: int) -> list[int]:
    return sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))


def forked_warden(maker: SandboxMaker, gateway: Gateway) -> tuple[Sandbox, dict[str, int]]:
    """One that the gateway has heard of, and the descriptors that the keeper has of it."""
    sandbox = Sandbox("0000-sandbox0", 0, "sandbox0", plan=PLAN)
    with mock.patch.object(confine, "WARDEN_STEPS", CLOSING):
        given = maker.fork_warden(sandbox, "secret")
    gateway.accept(2)
    return sandbox, given


def exit_code_of(sandbox: Sandbox) -> int:
    if sandbox.report:
        sandbox.report.close()
    _, status = os.waitpid(sandbox.warden_pid, 0)
    return os.waitstatus_to_exitcode(status)


def forked_porter(maker: SandboxMaker, gateway: Gateway) -> tuple[Sandbox, socket.socket]:
    """One that the gateway has heard of, and its end of the connection."""
    sandbox = Sandbox("0000-sandbox0", 0, "sandbox0", plan=PLAN)
    sandbox.warden_handle = os.pidfd_open(os.getpid())
    with mock.patch.object(porter_steps, "porter_steps", lambda _warden: CLOSING):
        maker.fork_porter(sandbox, "secret")
    gateway.accept(1)
    return sandbox, gateway.ends["porter"]


class ManyDescriptorsTest(unittest.TestCase):
    def test_a_warden_forwards_output_and_has_low_numbers(self):
        def work(maker: SandboxMaker, gateway: Gateway) -> dict:
            sandbox, given = forked_warden(maker, gateway)
            ready = gateway.readers["warden"].read()["msg_type"]
            numbers = descriptors_of(sandbox.warden_pid)
            gateway.tell_warden("pump", on=True, output_bytes_max=1000)
            os.write(given["stdout"], b"a line\n")
            message = gateway.readers["kernel"].read()
            gateway.close()
            return {
                "lowest": min(given.values()),
                "ready": ready,
                "numbers": numbers,
                "message": message["content"],
                "code": exit_code_of(sandbox),
            }

        seen = with_many_descriptors(work)
        self.assertGreater(seen["lowest"], HELD)
        self.assertEqual(seen["ready"], "warden_ready")
        self.assertLess(max(seen["numbers"]), NUMBERS_END)
        self.assertEqual(seen["message"], {"name": "stdout", "text": "a line\n"})
        self.assertEqual(seen["code"], 0)

    def test_a_porter_serves_and_has_low_numbers(self):
        def work(maker: SandboxMaker, gateway: Gateway) -> dict:
            sandbox, connection = forked_porter(maker, gateway)
            header = connection.recv(porter_wire.HEADER_BYTES, socket.MSG_WAITALL)
            numbers = descriptors_of(inspection._pid_of(sandbox.porter_handle))
            return {"kind": header[8], "numbers": numbers}

        seen = with_many_descriptors(work)
        self.assertEqual(seen["kind"], porter_wire.HEAD)
        self.assertEqual(len(seen["numbers"]), 1)
        self.assertLess(seen["numbers"][0], NUMBERS_END)

    def test_a_warden_that_fails_says_why_and_ends_by_a_code_of_its_own(self):
        def work(maker: SandboxMaker, gateway: Gateway) -> dict:
            with mock.patch.object(warden.Warden, "_handle", side_effect=ValueError("line\nbreak")):
                sandbox, _ = forked_warden(maker, gateway)
            reader = gateway.readers["warden"]
            reader.read()
            gateway.tell_warden("pump", on=True, output_bytes_max=1000)
            message = reader.read()
            return {"message": message, "code": exit_code_of(sandbox)}

        seen = with_many_descriptors(work)
        self.assertEqual(seen["message"]["msg_type"], "fault")
        self.assertRegex(seen["message"]["content"]["reason"], r"^ValueError: line\\nbreak \(mock\.py:\d+\)$")
        self.assertEqual(seen["code"], warden.EXIT_FAULT)

    def test_a_porter_that_fails_says_why(self):
        def work(maker: SandboxMaker, gateway: Gateway) -> str:
            _, connection = forked_porter(maker, gateway)
            connection.sendall(porter_wire.frame(1, porter_wire.OPEN, b"[]"))
            said = b""
            while chunk := connection.recv(4096):
                said += chunk
            return said.decode("latin-1")

        self.assertIn('"code":"WireError: a header that is no object (wire.py:', with_many_descriptors(work))

    def test_nothing_is_left_in_this_process(self):
        before = open_descriptors()
        with_many_descriptors(lambda _maker, _gateway: None)
        self.assertEqual(open_descriptors(), before)


if __name__ == "__main__":
    unittest.main()
