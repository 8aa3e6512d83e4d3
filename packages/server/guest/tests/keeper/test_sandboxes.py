"""The registry of sandboxes, and how one ends."""

import os
import resource
import selectors
import signal
import time
import unittest
from unittest import mock

from _glovebox.confine.plan import Plan, PlanRefused
from _glovebox.keeper.endings import Endings
from _glovebox.keeper.sandboxes import Sandboxes, usable_slots
from _glovebox.wire.agreement import EXIT_SOCKET_MEMORY, SLOTS

PLAN = Plan(1 << 30, 1.0, 64, 256, 1 << 30, 4096, 1 << 30, 4096, 1 << 30, 4096, [])


class SandboxesTest(unittest.TestCase):
    def setUp(self):
        self.sandboxes = Sandboxes()

    def test_a_new_one_gets_the_lowest_free_slot_and_its_name_tells_it(self):
        first, second, third = (self.sandboxes.make(f"sandbox{n}", PLAN) for n in range(3))
        self.assertEqual([one.slot for one in (first, second, third)], [0, 1, 2])
        self.sandboxes.forget(second)
        again = self.sandboxes.make("another0", PLAN)
        self.assertEqual((again.slot, again.name), (1, "0001-another0"))

    def test_a_slot_is_in_use_until_its_sandbox_is_forgotten(self):
        self.sandboxes.doom(self.sandboxes.make("sandbox0", PLAN))
        self.assertEqual(self.sandboxes.make("sandbox1", PLAN).slot, 1)
        self.assertEqual([one.id for one in self.sandboxes.doomed], ["sandbox0"])

    def test_an_adopted_one_keeps_its_slot(self):
        self.assertEqual(self.sandboxes.adopt("0000-adopted0").slot, 0)
        self.assertEqual(self.sandboxes.adopt("0002-adopted2").slot, 2)
        slots = [self.sandboxes.make(f"sandbox{n}", PLAN).slot for n in range(2)]
        self.assertEqual(slots, [1, 3])

    def test_an_id_is_given_once_and_slots_run_out(self):
        self.sandboxes.make("sandbox0", PLAN)
        with self.assertRaisesRegex(PlanRefused, "exists already"):
            self.sandboxes.make("sandbox0", PLAN)
        for slot in range(1, SLOTS):
            self.sandboxes.adopt(f"{slot:04d}-adopted{slot}")
        with self.assertRaisesRegex(PlanRefused, "every range"):
            self.sandboxes.make("toomany0", PLAN)
        self.assertEqual(len(self.sandboxes), SLOTS)

    def test_there_are_no_more_than_the_keeper_has_descriptors_for(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        refused = mock.patch("resource.setrlimit", side_effect=ValueError)
        with mock.patch("resource.getrlimit", return_value=(200, 200)), refused:
            self.assertEqual(usable_slots(), 14)
        with mock.patch("resource.getrlimit", return_value=(1 << 20, 1 << 20)):
            self.assertEqual(usable_slots(), SLOTS)
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), limit)
        few = Sandboxes(1)
        few.make("sandbox0", PLAN)
        with self.assertRaisesRegex(PlanRefused, "every descriptor"):
            few.make("sandbox1", PLAN)

    def test_a_warden_leads_to_its_sandbox(self):
        self.sandboxes.make("sandbox0", PLAN)
        second = self.sandboxes.make("sandbox1", PLAN)
        second.warden_pid = 77
        self.sandboxes.note_warden(second)
        self.assertIsNone(self.sandboxes.reaped(78))
        self.assertIs(self.sandboxes.reaped(77), second)
        self.assertEqual(second.warden_pid, 0)
        self.assertIsNone(self.sandboxes.reaped(77), "the number may be another child's now")


class Groups:
    """As much of the control groups as an ending uses."""

    def __init__(self):
        self.done = []
        self.empty = False

    def lift_cpu(self, name):
        self.done.append("lift")
        raise OSError("the group is half made")

    def kill(self, name):
        self.done.append("kill")

    def remove(self, name):
        return self.empty

    def oom_kills(self, name):
        return 0


class EndingsTest(unittest.TestCase):
    def setUp(self):
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)
        self.groups = Groups()
        self.told = []
        self.sandboxes = Sandboxes()
        self.endings = Endings(self.selector, self.groups, self.told.append, self.sandboxes)
        self.sandbox = self.sandboxes.make("sandbox0", PLAN)

    def events(self) -> list[str]:
        return [message["event"] for message in self.told]

    def test_it_is_forgotten_and_told_when_nothing_is_left_of_it(self):
        child = os.fork()
        if child == 0:
            signal.pause()
        self.sandbox.warden_pid, self.sandbox.warden_handle = child, os.pidfd_open(child)
        self.sandboxes.note_warden(self.sandbox)
        self.endings.destroy(self.sandbox)
        self.endings.destroy(self.sandbox)
        self.assertEqual(self.groups.done, ["lift", "kill"])
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), -signal.SIGKILL)
        self.groups.empty = True
        self.endings.remove_doomed()
        self.assertIn("sandbox0", self.sandboxes, "its PID 1 has not been reaped")
        self.assertIsNone(self.endings.patience_s)
        self.assertIs(self.sandboxes.reaped(child), self.sandbox)
        self.endings.warden_ended(self.sandbox, -signal.SIGKILL)
        self.assertEqual(self.endings.patience_s, 0.0)
        self.groups.empty = False
        self.endings.remove_doomed()
        self.assertIn("sandbox0", self.sandboxes, "its group is not empty")
        self.assertEqual(self.groups.done, ["lift", "kill", "kill"])
        self.groups.empty = True
        self.endings.remove_doomed()
        self.assertIn("sandbox0", self.sandboxes, "it has just been looked at")
        time.sleep(self.endings.patience_s or 0.0)
        self.endings.remove_doomed()
        self.assertEqual((len(self.sandboxes), self.events()), (0, ["destroyed"]))
        with self.assertRaises(OSError):
            os.fstat(self.sandbox.warden_handle)

    def test_a_failure_ends_it_and_is_told_in_short_also_of_one_that_there_is_not(self):
        self.endings.fail("sandbox0", "x" * 1000)
        self.endings.fail("nothere0", "why")
        self.assertTrue(self.sandbox.doomed)
        self.assertEqual([len(message["message"]) for message in self.told], [500, 3])

    def test_an_end_that_nobody_wished_is_told(self):
        self.endings.warden_ended(self.sandbox, 1)
        self.assertEqual(
            self.told, [{"event": "sandbox_died", "sandbox": "sandbox0", "out_of_memory": False}]
        )
        self.assertTrue(self.sandbox.doomed)
        self.endings.warden_ended(self.sandbox, 1)
        self.assertEqual(self.events(), ["sandbox_died"])
        self.endings.warden_ended(self.sandbox, EXIT_SOCKET_MEMORY)
        self.assertTrue(self.told[-1]["out_of_memory"])

    def test_a_wish_to_end_what_is_gone_is_answered(self):
        self.endings.destroy_known("nothere0", None, {})
        self.assertEqual(self.told, [{"event": "destroyed", "sandbox": "nothere0"}])
