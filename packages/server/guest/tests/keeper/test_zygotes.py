"""Which zygote forks, and which takes over when: for each template by itself."""

import contextlib
import io
import selectors
import socket
import unittest
from unittest import mock

from _glovebox.keeper import zygotes as module
from _glovebox.keeper.zygotes import Zygotes


class ZygoteDouble:
    """A zygote that is no process."""

    pids = iter(range(1000, 2000))

    def __init__(self, wear: object, template: str):
        self.template = template
        self.pid = next(self.pids)
        self.connection, self._theirs = socket.socketpair()
        self.ready: dict | None = None
        self.worn = self.retired = self.killed = False

    def retire(self) -> None:
        self.retired = True

    def kill(self) -> None:
        self.killed = True
        self.connection.close()
        self._theirs.close()


class ZygotesTest(unittest.TestCase):
    def setUp(self):
        self.enterContext(mock.patch.object(module, "ZygoteProcess", ZygoteDouble))
        self.clock = self.enterContext(mock.patch.object(module, "time"))
        self.clock.monotonic.return_value = 100.0
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)
        self.zygotes = self.made("default")

    def made(self, *templates: str) -> Zygotes:
        zygotes = Zygotes(None, self.selector, lambda _zygote: None, templates)
        self.addCleanup(lambda: [one.kill() for line in zygotes._lines.values() for one in line.all])
        return zygotes

    def started(self, template: str = "default", ready: bool = True) -> ZygoteDouble:
        self.zygotes.keep_one()
        current = self.zygotes.current(template)
        if ready:
            current.ready = {"event": "zygote_ready"}
            self.zygotes.take_over(current)
        return current

    def later(self) -> None:
        self.clock.monotonic.return_value += 1

    def test_one_is_kept(self):
        self.assertFalse(self.zygotes.complete)
        first = self.started()
        self.assertTrue(self.zygotes.complete)
        self.zygotes.keep_one()
        self.assertIs(self.zygotes.current("default"), first)
        self.assertEqual(self.zygotes.ready, [first])
        self.assertIs(self.zygotes.with_pid(first.pid), first)

    def test_another_is_started_a_moment_after_the_last_has_died(self):
        first = self.started()
        self.assertTrue(self.zygotes.remove(first))
        self.assertTrue(first.killed)
        self.assertNotIn(first, self.zygotes)
        self.zygotes.keep_one()
        self.assertIsNone(self.zygotes.current("default"))
        self.later()
        self.zygotes.keep_one()
        self.assertIsNotNone(self.zygotes.current("default"))

    def test_a_worn_one_forks_until_the_next_has_imported_everything(self):
        first = self.started()
        self.zygotes.replace_worn("default")
        first.worn = True
        self.zygotes.replace_worn("default")
        self.zygotes.replace_worn("default")
        self.assertIs(self.zygotes.current("default"), first)
        (second,) = [one for one in self.zygotes._lines["default"].all if one is not first]
        second.ready = {"event": "zygote_ready"}
        self.zygotes.take_over(second)
        self.assertTrue(first.retired)
        self.assertIs(self.zygotes.current("default"), second)
        self.assertIn(first, self.zygotes)
        self.assertFalse(self.zygotes.remove(first), "it was not the one that forks")

    def test_each_template_has_its_own(self):
        self.zygotes = self.made("default", "other")
        first, other = self.started(), self.started("other")
        self.assertIsNot(first, other)
        other.worn = True
        self.zygotes.replace_worn("default")
        self.assertEqual(len(self.zygotes._lines["other"].all), 1)
        self.assertTrue(self.zygotes.remove(other))
        self.assertIs(self.zygotes.current("default"), first)
        self.assertIsNone(self.zygotes.current("other"))
        self.assertFalse(self.zygotes.complete)
        self.assertEqual(self.zygotes.ready, [first])

    def test_zygotes_that_die_before_they_are_ready_end_the_keeper(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            for _ in range(4):
                self.zygotes.remove(self.started(ready=False))
                self.later()
            with self.assertRaises(SystemExit) as end:
                self.zygotes.remove(self.started(ready=False))
        self.assertEqual(end.exception.code, module.EXIT_ISOLATION_UNAVAILABLE)
        self.assertIn("ISOLATION_UNAVAILABLE", said.getvalue())
