"""The file by which deadlines hold without the gateway, and what a hostile gateway may do to it."""

import os
import struct
import tempfile
import time
import unittest

from _glovebox.keeper.deadlines import Deadlines

_SLOTS = 16


class DeadlinesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = f"{directory.name}/deadlines"
        self.deadlines = self.made()

    def made(self) -> Deadlines:
        deadlines = Deadlines(self.path, 4711, _SLOTS)
        self.addCleanup(os.close, deadlines._file)
        return deadlines

    def write(self, slot: int, moment: float) -> None:
        with open(self.path, "r+b") as file:
            file.seek(8 * slot)
            file.write(struct.pack("<d", moment))

    def overdue(self) -> list[int]:
        self.deadlines.overdue(range(_SLOTS))
        return self.deadlines.overdue(range(_SLOTS))

    @staticmethod
    def ago(milliseconds: float) -> float:
        return time.monotonic() * 1000 - milliseconds

    def test_the_file_is_whole_and_the_gateways(self):
        status = os.stat(self.path)
        self.assertEqual((status.st_size, status.st_uid), (8 * _SLOTS, 4711))
        self.assertEqual(status.st_mode & 0o777, 0o600)
        self.assertEqual(self.overdue(), [])

    def test_what_has_passed_is_overdue_and_what_is_to_come_is_not(self):
        self.write(3, self.ago(1))
        self.write(4, self.ago(-60_000))
        self.assertEqual(self.overdue(), [3])

    def test_once_is_not_enough(self):
        self.write(3, self.ago(1))
        self.assertEqual(self.deadlines.overdue([3]), [])
        self.write(3, self.ago(0.5))  # Another run has begun, and has ended late as well.
        self.assertEqual(self.deadlines.overdue([3]), [])
        self.write(3, 0)
        self.assertEqual(self.overdue(), [])

    def test_only_those_that_are_asked_for(self):
        self.write(3, self.ago(1))
        self.write(5, self.ago(1))
        self.deadlines.overdue([5])
        self.assertEqual(self.deadlines.overdue([5]), [5])

    def test_whoever_has_the_slot_next_is_not_meant(self):
        self.write(3, self.ago(1))
        self.deadlines.overdue([3])
        self.deadlines.clear(3)
        self.assertEqual(self.overdue(), [])

    def test_what_an_earlier_keeper_has_seen_still_holds(self):
        self.write(3, self.ago(1))
        self.deadlines = self.made()
        self.assertEqual(self.overdue(), [3])

    def test_whatever_is_written_no_moment_is_none(self):
        for moment in (float("nan"), float("inf"), float("-inf"), -1.0, 0.0, 1e308):
            self.write(3, moment)
            self.assertEqual(self.overdue(), [], moment)

    def test_a_file_that_was_cut_short_or_made_long(self):
        self.write(3, self.ago(1))
        os.truncate(self.path, 8 * 3 + 5)
        self.assertEqual(self.overdue(), [])
        os.truncate(self.path, 1 << 40)
        self.write(3, self.ago(1))
        self.assertEqual(self.overdue(), [3])
        self.assertEqual(os.stat(self.path).st_size, 8 * _SLOTS)

    def test_a_link_in_its_place_is_not_followed(self):
        os.unlink(self.path)
        os.symlink("/tmp/elsewhere", self.path)
        with self.assertRaises(OSError):
            Deadlines(self.path, 4711, _SLOTS)
        self.assertFalse(os.path.exists("/tmp/elsewhere"))
