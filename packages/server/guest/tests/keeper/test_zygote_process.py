"""A zygote that hangs, as the keeper sees it."""

import json
import os
import socket
import time
import unittest
from unittest import mock

from _glovebox.keeper.zygote_process import DEFAULT_TEMPLATE, Wear, ZygoteProcess


class ZygoteProcessTest(unittest.TestCase):
    def setUp(self):
        real = socket.socketpair

        def pair(*arguments):
            ours, theirs = real(*arguments)
            self.theirs = theirs.dup()
            return ours, theirs

        with (
            mock.patch("_glovebox.keeper.zygote_process.socket.socketpair", pair),
            mock.patch("_glovebox.keeper.zygote_process.os.fork", return_value=1 << 30),
        ):
            self.zygote = ZygoteProcess(Wear(10**6, 3600), DEFAULT_TEMPLATE)
        self.addCleanup(self.zygote.connection.close)
        self.addCleanup(self.theirs.close)

    def answer(self, message: dict) -> None:
        self.theirs.send(json.dumps(message).encode())
        received = self.zygote.receive()
        assert received
        if "ready" in received[0]:
            self.zygote.ready = received[0]

    def later(self, seconds: float):
        now = time.monotonic()
        return mock.patch("_glovebox.keeper.zygote_process.time.monotonic", lambda: now + seconds)

    def test_one_that_is_full_is_not_waited_for(self):
        descriptor = os.open("/dev/null", os.O_RDONLY)
        started = time.monotonic()
        with self.assertRaises(BlockingIOError):
            for _ in range(10_000):
                self.zygote.fork_kernel({"sandbox": "x" * 1000}, [descriptor])
        os.close(descriptor)
        self.assertLess(time.monotonic() - started, 10)

    def test_one_that_says_nothing_is_neither_gone_nor_waited_for(self):
        with self.assertRaises(BlockingIOError):
            self.zygote.receive()
        self.theirs.close()
        self.assertIsNone(self.zygote.receive())

    def test_one_that_does_not_answer_is_stuck(self):
        self.zygote.fork_kernel({"sandbox": "a"}, [])
        with self.later(100):
            self.assertFalse(self.zygote.is_stuck, "it imports, which takes its time")
        self.answer({"ready": True})
        with self.later(9):
            self.assertFalse(self.zygote.is_stuck)
        with self.later(11):
            self.assertTrue(self.zygote.is_stuck)

    def test_one_that_has_answered_is_not(self):
        self.answer({"ready": True})
        for name in ("forked", "failed"):
            self.zygote.fork_kernel({"sandbox": "a"}, [])
            self.answer({name: "a"})
        self.answer({"exited": "a", "code": 0})
        with self.later(3600):
            self.assertFalse(self.zygote.is_stuck)
            self.zygote.fork_kernel({"sandbox": "a"}, [])
            self.assertFalse(self.zygote.is_stuck, "it has been asked only now")
