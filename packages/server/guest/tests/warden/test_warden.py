"""The warden in a process of its own, over real socket pairs and pipes."""

import fcntl
import os
import signal
import socket
import time
import unittest

from _glovebox.warden import warden
from _glovebox.wire import frames
from _glovebox.wire.stream import stream_frame
from tests.support import PATIENCE_S, eventually, output_pipe, read_frames, text_of


class StreamFrameTest(unittest.TestCase):
    def decode(self, frame: bytes) -> dict:
        near, far = socket.socketpair()
        with near, far:
            far.sendall(frame)
            return frames.FrameReader(near).read()

    def test_every_byte_is_one_character(self):
        data = bytes(range(256))
        message = self.decode(stream_frame("stdout", data))
        self.assertEqual(message["msg_type"], "stream")
        self.assertEqual(message["content"]["text"].encode("latin-1"), data)

    def test_dropped_bytes_are_told_only_when_there_are_any(self):
        self.assertEqual(
            self.decode(stream_frame("stderr", b"a"))["content"],
            {"name": "stderr", "text": "a"},
        )
        self.assertEqual(
            self.decode(stream_frame("stderr", b"", 7))["content"],
            {"name": "stderr", "text": "", "dropped_bytes": 7},
        )


class WardenTest(unittest.TestCase):
    def setUp(self):
        self.control, warden_control = socket.socketpair()
        self.gateway, kernel_end = socket.socketpair()
        self.lock = os.memfd_create("lock")
        self.read, self.write = {}, {}
        for name in ("stdout", "stderr"):
            self.read[name], self.write[name] = output_pipe()
        self.writers: list[int] = []
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.control.close()
                self.gateway.close()
                lock = os.open(f"/proc/self/fd/{self.lock}", os.O_RDWR)
                warden.Warden(warden_control, kernel_end, lock, dict(self.read)).run()
            finally:
                os._exit(0)
        warden_control.close()
        self.kernel_end = kernel_end
        self.control.settimeout(PATIENCE_S)
        self.reader = frames.FrameReader(self.control)
        self.assertEqual(self.reader.read(), {"msg_type": "warden_ready", "content": {}})

    def tearDown(self):
        for pid in (self.pid, *self.writers):
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        for connection in (self.control, self.gateway, self.kernel_end):
            connection.close()
        for descriptor in (self.lock, *self.read.values(), *self.write.values()):
            os.close(descriptor)

    def tell(self, msg_type: str, **content) -> None:
        self.control.sendall(frames.encode({"msg_type": msg_type, "content": content}))

    def pump(self, on: bool, output_bytes_max: int = 1_000_000) -> None:
        self.tell("pump", on=on, output_bytes_max=output_bytes_max)

    def start_writer(self, name: str, data: bytes) -> None:
        """A process that writes as fast as the pipe takes it."""
        pid = os.fork()
        if pid == 0:
            try:
                while True:
                    os.write(self.write[name], data)
            finally:
                os._exit(0)
        self.writers.append(pid)

    def drained(self) -> list[dict]:
        messages = [self.reader.read()]
        while messages[-1]["msg_type"] != "drained":
            messages.append(self.reader.read())
        return messages

    def test_output_is_left_to_the_kernel_until_the_gateway_asks(self):
        os.write(self.write["stdout"], b"early")
        self.assertEqual(read_frames(self.gateway, 0.03), [])
        self.pump(True)
        self.assertEqual(text_of(read_frames(self.gateway, 0.1), "stdout"), "early")

    def test_output_is_forwarded_as_it_is_written_and_by_stream(self):
        self.pump(True)
        for name in ("stdout", "stderr"):
            os.write(self.write[name], f"on {name} ä".encode())
            self.assertEqual(text_of(read_frames(self.gateway, 0.1), name), f"on {name} ä")

    def test_after_pump_off_output_is_the_kernels_again(self):
        self.pump(True)
        self.pump(False)
        time.sleep(0.02)
        os.write(self.write["stdout"], b"kept")
        self.assertEqual(read_frames(self.gateway, 0.03), [])
        self.assertEqual(os.read(self.read["stdout"], 100), b"kept")

    def test_switching_twice_is_harmless(self):
        for on in (True, True, False, False, True):
            self.pump(on)
        os.write(self.write["stdout"], b"x")
        self.assertEqual(text_of(read_frames(self.gateway, 0.1), "stdout"), "x")

    def test_beyond_the_budget_bytes_are_counted_and_not_sent(self):
        self.pump(True, output_bytes_max=1000)
        os.write(self.write["stdout"], b"x" * 60_000)
        messages = read_frames(self.gateway, 0.1)
        self.assertEqual(text_of(messages, "stdout"), "x" * 1000)
        dropped = sum(message["content"].get("dropped_bytes", 0) for message in messages)
        self.assertEqual(dropped, 59_000)

    def test_nothing_is_read_while_the_kernel_holds_the_lock(self):
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.pump(True)
        os.write(self.write["stdout"], b"waits")
        self.assertEqual(read_frames(self.gateway, 0.03), [])
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        self.assertEqual(text_of(read_frames(self.gateway, 0.1), "stdout"), "waits")

    def test_draining_sends_what_a_dead_kernel_left_and_says_when_it_is_done(self):
        os.write(self.write["stdout"], b"last words\xff")
        os.write(self.write["stderr"], b"fatal")
        self.tell("drain", output_bytes_max=1000)
        contents = [message["content"] for message in self.drained()]
        self.assertEqual(
            contents,
            [
                {"name": "stdout", "text": "last words\xff"},
                {"name": "stderr", "text": "fatal"},
                {},
            ],
        )

    def test_draining_ends_the_kernels_connection_even_when_a_child_still_holds_it(self):
        self.tell("drain", output_bytes_max=1000)
        self.drained()
        self.gateway.settimeout(PATIENCE_S)
        self.assertEqual(self.gateway.recv(1), b"")

    def test_draining_keeps_to_the_budget(self):
        os.write(self.write["stdout"], b"x" * 50_000)
        self.tell("drain", output_bytes_max=100)
        messages = self.drained()
        self.assertEqual(text_of(messages, "stdout"), "x" * 100)

    def test_draining_ends_although_a_child_writes_for_ever(self):
        self.start_writer("stdout", b"x" * 4096)
        self.tell("drain", output_bytes_max=1_000_000)
        self.assertEqual(self.drained()[-1]["msg_type"], "drained")

    def test_a_gateway_that_does_not_read_output_can_still_control(self):
        """PID 1 must never wait for the connection that the output goes to."""
        for name in ("stdout", "stderr"):
            self.start_writer(name, b"\xff" * 65536)
        self.pump(True, output_bytes_max=64_000_000)
        time.sleep(0.3)
        self.pump(False)
        self.tell("drain", output_bytes_max=10)
        self.control.settimeout(2)
        self.assertEqual(self.drained()[-1]["msg_type"], "drained")

    def test_a_flood_beyond_the_budget_does_not_keep_control_waiting(self):
        self.start_writer("stdout", b"x" * 65536)
        self.pump(True, output_bytes_max=10)
        time.sleep(0.1)
        started = time.monotonic()
        self.tell("drain", output_bytes_max=10)
        self.drained()
        self.assertLess(time.monotonic() - started, 1)

    def test_the_warden_ends_when_the_gateway_closes(self):
        self.control.close()
        self.assertTrue(eventually(lambda: os.waitpid(self.pid, os.WNOHANG)[0] == self.pid))
        self.pid = 0


if __name__ == "__main__":
    unittest.main()
