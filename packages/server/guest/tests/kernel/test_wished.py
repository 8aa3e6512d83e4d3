"""Cells as front ends of notebooks want them."""

import unittest

from tests.support import KernelProcess


def wishes(**different) -> dict:
    return {"silent": False, "store_history": True, "user_expressions": {}} | different


class WishedTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)

    def _run(self, code: str, **different):
        self.kernel.start(code, wishes=wishes(**different))
        return self.kernel.finish()

    def test_a_silent_cell_runs_and_shows_no_value(self):
        run = self._run("a = 1\nprint(a)\na", silent=True, store_history=False)
        self.assertEqual((run.stdout, run.value), ("1\n", None))
        self.assertEqual(self.kernel.run("a").value, "1")

    def test_what_is_not_stored_has_no_number_and_no_place_in_the_history(self):
        first = self._run("'x'", store_history=False)
        self.assertEqual((first.value, first.reply["execution_count"]), ("'x'", 1))
        second = self.kernel.run("In")
        self.assertEqual((second.value, second.reply["execution_count"]), ("['', 'In']", 1))

    def test_expressions_are_evaluated_each_by_itself_after_the_cell(self):
        found = self._run("a = 20", user_expressions={"b": "a + 1", "c": "nowhere"}).reply["user_expressions"]
        self.assertEqual(found["b"]["data"], {"text/plain": "21"})
        self.assertEqual((found["c"]["status"], found["c"]["ename"]), ("error", "NameError"))

    def test_expressions_of_a_cell_that_failed_are_not_evaluated(self):
        self.assertNotIn("user_expressions", self._run("1 / 0", user_expressions={"a": "1"}).reply)

    def test_values_that_are_too_long_are_told_as_errors(self):
        expressions = {"long": "'x' * 200_000", "short": "1"}
        found = self._run("", user_expressions=expressions).reply["user_expressions"]
        self.assertEqual(found["long"]["status"], "error")
        self.assertEqual(found["short"]["data"], {"text/plain": "1"})
