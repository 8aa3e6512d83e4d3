"""What the maker of sandboxes leaves open when one of its steps fails: nothing."""

import errno
import os
import signal
import socket
import time
import types
import unittest
from typing import Any
from unittest import mock

from _glovebox.confine.plan import Plan
from _glovebox.keeper import sandbox_maker
from _glovebox.keeper.sandbox import Sandbox
from _glovebox.keeper.sandbox_maker import Programs, SandboxMaker
from _glovebox.wire import frames
from tests.support import in_child, open_descriptors, temporary_directory

PLAN = Plan(1 << 30, 1.0, 64, 256, 1 << 30, 4096, 1 << 30, 4096, 1 << 30, 4096, ["folder"])
# A step that gives back, or that the child alone takes, is none that can leave something open.
NO_STEPS = ("close", "_exit", "waitpid", "kill")


class Steps:
    """Counts what a module is asked to do, and fails at one of these steps. -1 for none."""

    def __init__(self, failing: int):
        self.failing = failing
        self.taken: list[str] = []

    def of(self, module: types.ModuleType) -> "Watched":
        return Watched(self, module)

    def take(self, name: str) -> None:
        self.taken.append(name)
        if len(self.taken) - 1 == self.failing:
            raise OSError(24, f"{name} fails")


class Watched:
    """A module, each of whose functions is a step."""

    def __init__(self, steps: Steps, module: types.ModuleType):
        self._steps = steps
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if not callable(found) or name in NO_STEPS:
            return found

        def step(*arguments: Any, **options: Any) -> Any:
            self._steps.take(name)
            return found(*arguments, **options)

        return step


class FoldersDouble:
    has_data = True
    has_writable = False

    def copies(self, names: list[str], host_id: int) -> list[tuple[int, str]]:
        return [(os.open("/dev/null", os.O_RDONLY), f"/data/{name}") for name in names]


class MakerThatForksNobody(SandboxMaker):
    def _become_warden(self, *_: Any) -> None:
        os._exit(0)

    def _become_porter(self, *_: Any) -> None:
        os._exit(0)


class MakerWhoseChildrenStay(SandboxMaker):
    """Until they are killed, or a test has failed."""

    def _become_warden(self, *_: Any) -> None:
        time.sleep(20)
        os._exit(0)

    _become_porter = _become_warden


def attempt(failing: int) -> dict:
    """One try to make a warden, in which one step fails: what was done, and what stayed open."""
    steps = Steps(failing)
    with temporary_directory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/guest.sock")
        listener.listen(8)
        maker = MakerThatForksNobody("tree", 0, Programs(b"", b""), None, FoldersDouble())
        sandbox = Sandbox("0000-sandbox0", 0, "sandbox0", plan=PLAN)
        before = open_descriptors()
        failure = None
        keeper_ends = False
        given = {}
        with (
            mock.patch.object(sandbox_maker, "RUN_DIRECTORY", folder),
            mock.patch.object(sandbox_maker, "os", steps.of(os)),
            mock.patch.object(sandbox_maker, "socket", steps.of(socket)),
            mock.patch.object(sandbox_maker, "frames", steps.of(frames)),
        ):
            try:
                given = maker.fork_warden(sandbox, "secret")
            except (OSError, SystemExit) as problem:
                failure = str(problem)
                keeper_ends = isinstance(problem, SystemExit)
        left = {name: what for name, what in open_descriptors().items() if name not in before}
        own = [descriptor for descriptor in (sandbox.built, sandbox.warden_handle) if descriptor >= 0]
        if sandbox.report:
            own.append(sandbox.report.detach())
        return {
            "steps": steps.taken,
            "failure": failure,
            "keeper_ends": keeper_ends,
            "given": sorted(given.values()),
            "own": own,
            "left": left,
        }


class MakerTest(unittest.TestCase):
    def test_whichever_step_fails_nothing_stays_open(self):
        whole = in_child(lambda: attempt(-1))
        self.assertIsNone(whole["failure"])
        self.assertGreater(len(whole["steps"]), 15)
        for number, name in enumerate(whole["steps"]):
            with self.subTest(step=number, name=name):
                tried = in_child(lambda number=number: attempt(number))
                self.assertIn(name, tried["failure"])
                self.assertEqual((tried["left"], tried["own"]), ({}, []))
                # One that stays in a sandbox's PID namespace makes no other.
                self.assertEqual(tried["keeper_ends"], name == "setns")

    def test_when_all_succeed_only_what_goes_on_stays_open(self):
        whole = in_child(lambda: attempt(-1))
        expected = sorted(str(descriptor) for descriptor in [*whole["given"], *whole["own"]])
        self.assertEqual(sorted(whole["left"]), expected)
        self.assertEqual((len(whole["given"]), len(whole["own"])), (8, 3))

    def test_no_gateway_leaves_nothing_open(self):
        before = open_descriptors()
        with temporary_directory() as folder:
            with mock.patch.object(sandbox_maker, "RUN_DIRECTORY", folder):
                with self.assertRaises(OSError):
                    sandbox_maker._connect("sandbox0", "secret", "kernel")
        self.assertEqual(open_descriptors(), before)

    def test_a_gateway_that_takes_no_connections_is_not_waited_for(self):
        waiting = []
        with temporary_directory() as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/guest.sock")
            listener.listen(0)
            before = open_descriptors()
            with mock.patch.object(sandbox_maker, "RUN_DIRECTORY", folder):
                with self.assertRaises(BlockingIOError):
                    for _ in range(100):
                        waiting.append(sandbox_maker._connect("sandbox0", "secret", "warden"))
            for connection in waiting:
                connection.close()
            self.assertEqual(open_descriptors(), before)

    def test_one_that_cannot_be_watched_is_not_let_live(self):
        def work() -> list:
            maker = MakerWhoseChildrenStay("tree", 0, Programs(b"", b""), None, FoldersDouble())
            ends = []
            for fork in (maker.fork_warden, maker.fork_porter):
                sandbox = Sandbox("0000-sandbox0", 0, "sandbox0", plan=PLAN)
                sandbox.warden_handle = os.pidfd_open(os.getpid())
                with (
                    mock.patch.object(sandbox_maker, "_connect", lambda *_: socket.socket()),
                    mock.patch.object(os, "pidfd_open", side_effect=OSError(errno.EMFILE, "")),
                ):
                    try:
                        fork(sandbox, "secret")
                    except OSError as problem:
                        ends.append(problem.errno)
                ends.append(os.waitstatus_to_exitcode(os.wait()[1]))
            return ends

        self.assertEqual(in_child(work), [errno.EMFILE, -signal.SIGKILL] * 2)


class PorterTest(unittest.TestCase):
    def test_a_porter_that_cannot_be_watched_takes_nothing_from_the_one_before(self):
        def work() -> list:
            maker = MakerThatForksNobody("tree", 0, Programs(b"", b""), None, FoldersDouble())
            sandbox = Sandbox("0000-sandbox0", 0, "sandbox0", plan=PLAN)
            sandbox.warden_handle = os.pidfd_open(os.getpid())
            sandbox.porter_handle = earlier = os.pidfd_open(os.getpid())
            before = open_descriptors()
            steps = Steps(-1)
            connect = mock.patch.object(sandbox_maker, "_connect", lambda *_: socket.socket())
            with connect, mock.patch.object(sandbox_maker, "os", steps.of(os)):
                maker.fork_porter(sandbox, "secret")
                last = len(steps.taken) - 1
                names = [steps.taken[last]]
                os.close(sandbox.porter_handle)
                sandbox.porter_handle = earlier = os.pidfd_open(os.getpid())
                steps.taken.clear()
                steps.failing = last
                try:
                    maker.fork_porter(sandbox, "secret")
                except OSError as problem:
                    names.append(str(problem))
            same = sandbox.porter_handle == earlier and open_descriptors() == before
            return [*names, same]

        step, problem, same = in_child(work)
        self.assertEqual(step, "pidfd_open")
        self.assertIn("pidfd_open fails", problem)
        self.assertTrue(same)
