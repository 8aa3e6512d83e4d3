"""The keeper's side of the connection to a gateway that behaves badly."""

import json
import os
import selectors
import socket
import struct
import tempfile
import time
import unittest

from _glovebox.keeper.gateway_connection import GatewayConnection
from _glovebox.wire import frames


def frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


class GatewayConnectionTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = f"{directory.name}/keeper.sock"
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)
        self.connected = self.lost = 0
        self.asked: list[dict] = []
        self.on_operation = self.asked.append
        self.gateway = GatewayConnection(
            self.selector,
            os.getuid(),
            self._on_connected,
            lambda operation: self.on_operation(operation),
            self._on_lost,
        )
        self.gateway.listen(self.path)
        self.addCleanup(self._close_all)

    def _on_connected(self):
        self.connected += 1

    def _on_lost(self):
        self.lost += 1

    def _close_all(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()

    def connect(self) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.connect(self.path)
        return client

    def turn(self, times: int = 1) -> None:
        """As the keeper's loop does, with nothing else to do."""
        for _ in range(times):
            for key, _ in self.selector.select(0):
                if self.selector.get_map().get(key.fd) is key:
                    key.data()
            self.gateway.serve()

    def test_operations_come_in_and_events_go_out(self):
        client = self.connect()
        client.sendall(frame(b'{"op":"a"}') + frame(b'{"op":"b"}'))
        self.turn(3)
        self.assertEqual(self.asked, [{"op": "a"}, {"op": "b"}])
        self.gateway.tell({"event": "c"})
        self.assertEqual(client.recv(100), frame(b'{"event":"c"}'))

    def test_a_little_is_done_at_a_time_and_nothing_is_lost(self):
        client = self.connect()
        self.turn()
        client.sendall(b"".join(frame(b'{"op":%d}' % number) for number in range(500)))
        self.turn()
        self.assertGreater(len(self.asked), 0)
        self.assertLess(len(self.asked), 100)
        self.assertTrue(self.gateway.has_operations())
        self.turn(100)
        self.assertEqual([operation["op"] for operation in self.asked], list(range(500)))
        self.assertFalse(self.gateway.has_operations())

    def test_operations_that_take_long_end_the_turn(self):
        self.on_operation = lambda operation: (self.asked.append(operation), time.sleep(0.05))
        client = self.connect()
        self.turn()
        client.sendall(frame(b"{}") * 20)
        self.turn()
        self.assertEqual(len(self.asked), 1)

    def test_nobody_waits_for_a_gateway_that_does_not_read(self):
        client = self.connect()
        self.turn()
        event = {"event": "x" * 1000}
        started = time.monotonic()
        for _ in range(600):
            self.gateway.tell(event)
        self.turn(10)
        self.assertLess(time.monotonic() - started, 2)
        self.assertEqual(self.lost, 0)
        whole = len(frames.encode(event)) * 600
        client.settimeout(5)
        received = 0
        while received < whole:
            received += len(client.recv(1 << 20))
            self.turn()
        self.gateway.tell({"event": "last"})
        self.assertEqual(client.recv(100), frame(b'{"event":"last"}'))

    def test_one_that_has_too_much_to_read_is_lost(self):
        client = self.connect()
        self.turn()
        for _ in range(3000):
            self.gateway.tell({"event": "x" * 1000})
        self.assertEqual(self.lost, 1)
        self.connect()
        self.turn()
        self.assertEqual(self.connected, 2)
        client.close()

    def test_frames_that_cannot_be_read_end_the_connection_and_nothing_else(self):
        for bad in (
            frame(b"["),
            frame(b"7"),
            frame(b"\xff"),
            frame(b'{"op":' + b"[" * 60_000),
            frame(b'{"op":' + b"9" * 5000 + b"}"),
            struct.pack(">I", 0xFFFFFFFF),
            struct.pack(">I", (64 << 10) + 1),
        ):
            client = self.connect()
            self.turn()
            lost = self.lost
            client.sendall(bad)
            self.turn(10)
            self.assertEqual(self.lost, lost + 1, bad[:20])
        self.assertEqual(self.asked, [])

    def test_half_a_frame_waits_and_another_connection_takes_its_place(self):
        half = self.connect()
        half.sendall(frame(b'{"op":"a"}')[:7])
        self.turn(3)
        self.assertEqual((self.lost, self.asked), (0, []))
        whole = self.connect()
        whole.sendall(frame(b'{"op":"b"}'))
        self.turn(3)
        self.assertEqual((self.lost, self.asked), (1, [{"op": "b"}]))

    def test_an_operation_that_costs_the_connection_is_the_last(self):
        def drop(operation):
            self.asked.append(operation)
            for _ in range(3000):
                self.gateway.tell({"event": "x" * 1000})

        self.on_operation = drop
        client = self.connect()
        self.turn()
        client.sendall(frame(json.dumps({"op": 1}).encode()) * 5)
        self.turn(5)
        self.assertEqual((len(self.asked), self.lost), (1, 1))
