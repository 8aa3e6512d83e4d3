"""What a sandbox that fails half-made leaves behind in the keeper: nothing."""

import errno
import itertools
import os
import signal
import socket
import tempfile
import unittest
from unittest import mock

import sandbox_maker
from plan import Plan
from sandbox import Sandbox
from sandbox_maker import Programs, SandboxMaker

SECRET = "0123456789abcdef" * 2
PLAN = Plan(128 << 20, 0.5, 20, 256, 8 << 20, 1024, 8 << 20, 1024, ["a"])


def open_descriptors() -> set[str]:
    with os.scandir("/proc/self/fd") as found:
        return {entry.name for entry in found}


class Failing:
    """Lets the first `passes` calls of what it stands in for through."""

    def __init__(self, passes: int):
        self.left = passes

    def around(self, real):
        def call(*arguments, **named):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.EMFILE, "too many open files")
            return real(*arguments, **named)

        return call


class ForkWardenTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.enterContext(mock.patch("sandbox_maker.RUN_DIRECTORY", directory.name))
        self.listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.listener.close)
        self.listener.bind(f"{directory.name}/guest.sock")
        self.listener.listen(64)
        folders = mock.Mock()
        folders.copies = lambda *_: [(os.open("/dev/null", os.O_RDONLY), "/data/a")]
        self.maker = SandboxMaker("tree", 1 << 30, Programs(b"", b""), mock.Mock(), folders)
        self.addCleanup(os.close, self.maker._own_pid_namespace)
        for name in ("unshare", "setns"):
            self.enterContext(mock.patch.object(sandbox_maker.os, name))
        self.enterContext(mock.patch.object(SandboxMaker, "_become_warden", lambda *_: os._exit(0)))

    def sandbox(self) -> Sandbox:
        return Sandbox("0000-0123456789abcdef", 0, "0123456789abcdef", plan=PLAN)

    def fork(self, sandbox: Sandbox) -> None:
        given = self.maker.fork_warden(sandbox, SECRET)
        os.waitpid(sandbox.warden_pid, 0)
        for descriptor in (*given.values(), sandbox.built, sandbox.warden_handle):
            os.close(descriptor)
        sandbox.report.close()

    def test_whichever_step_fails_nothing_stays_open(self):
        before = open_descriptors()
        failed = 0
        for passes in itertools.count():
            failing = Failing(passes)
            sandbox = self.sandbox()
            with (
                mock.patch.object(os, "open", failing.around(os.open)),
                mock.patch.object(os, "pipe2", failing.around(os.pipe2)),
                mock.patch.object(os, "memfd_create", failing.around(os.memfd_create)),
                mock.patch.object(socket, "socketpair", failing.around(socket.socketpair)),
                mock.patch.object(sandbox_maker, "_connect", failing.around(sandbox_maker._connect)),
                mock.patch.object(os, "fork", failing.around(os.fork)),
                mock.patch.object(os, "pidfd_open", failing.around(os.pidfd_open)),
            ):
                try:
                    self.fork(sandbox)
                    break
                except OSError as failure:
                    self.assertEqual(failure.errno, errno.EMFILE)
                    failed += 1
            if sandbox.warden_pid:  # Whoever cannot be watched is not let live.
                os.waitpid(sandbox.warden_pid, 0)
            self.assertIsNone(sandbox.report)
            self.assertEqual((sandbox.built, sandbox.warden_handle), (-1, -1))
            self.assertEqual(open_descriptors(), before, f"after {passes} steps")
        self.assertGreater(failed, 10)
        self.assertEqual(open_descriptors(), before)

    def test_a_gateway_that_takes_no_connections_is_not_waited_for(self):
        self.listener.listen(0)
        waiting = []
        with self.assertRaises(BlockingIOError):
            for _ in range(100):
                waiting.append(sandbox_maker._connect("0123456789abcdef", SECRET, "warden"))
        for connection in waiting:
            connection.close()

    def test_a_porter_that_cannot_be_watched_leaves_the_one_before_as_it_was(self):
        sandbox = self.sandbox()
        sandbox.porter_handle = os.open("/dev/null", os.O_RDONLY)
        before = open_descriptors()
        with (
            mock.patch.object(SandboxMaker, "_become_porter", lambda *_: signal.pause()),
            mock.patch.object(os, "pidfd_open", side_effect=OSError(errno.EMFILE, "")),
            self.assertRaises(OSError),
        ):
            self.maker.fork_porter(sandbox, SECRET)
        self.assertEqual(os.waitstatus_to_exitcode(os.wait()[1]), -signal.SIGKILL)
        self.assertEqual(open_descriptors(), before)
        os.close(sandbox.porter_handle)
