"""The magics that look back at earlier cells. Each test has a forked kernel of its own."""

import unittest

from tests.support import KernelProcess


class HistoryTest(unittest.TestCase):
    def setUp(self):
        kernel = KernelProcess()
        self.addCleanup(kernel.close)
        self.run_cell = kernel.run
        for code in ("x = 1", "x += 1", "print('x is', x)"):
            self.assertEqual(self.run_cell(code).status, "ok")

    def out(self, code: str) -> str:
        run = self.run_cell(code)
        self.assertEqual((run.status, run.stderr), ("ok", ""), run.messages)
        return run.stdout

    def test_rerun_runs_the_last_cells_a_range_or_what_is_found(self):
        for code, cells, output in (
            ("%rerun", "print('x is', x)", "x is 2\n"),
            ("%rerun 2-3", "x += 1\nprint('x is', x)", "x is 3\n"),
            ("%rerun -g +=", "x += 1", ""),
        ):
            shown = self.out(code)
            self.assertEqual(shown, f"=== Executing: ===\n{cells}\n=== Output: ===\n{output}", code)
        self.assertEqual(self.run_cell("x").value, "4")

    def test_rerun_of_nothing_says_so(self):
        self.assertEqual(self.out("%rerun -g nowhere"), "No lines in history match specification\n")

    def test_a_first_cell_has_none_before_it(self):
        kernel = KernelProcess()
        self.addCleanup(kernel.close)
        self.assertEqual(kernel.run("%rerun").stdout, "No lines in history match specification\n")

    def test_rerun_of_what_fails_shows_it_and_goes_on(self):
        self.run_cell("1 / 0")
        run = self.run_cell("%rerun")
        self.assertEqual((run.status, run.stdout.count("1 / 0")), ("ok", 1))
        self.assertIn("ZeroDivisionError", run.stderr)

    def test_history_lists_cells_with_their_numbers_and_values(self):
        self.assertEqual(self.out("%history"), "x = 1\nx += 1\nprint('x is', x)\n%history\n")
        self.assertEqual(self.out("%history -n 1-2"), "   1: x = 1\n   2: x += 1\n")
        self.assertEqual(self.out("%history -n -l 2"), "   4: %history\n   5: %history -n 1-2\n")
        self.assertEqual(self.out("%history -g x ="), "   1: x = 1\n   7: %history -g x =\n")
        self.assertEqual(self.out("%history -g print"), "   3: print('x is', x)\n   8: %history -g print\n")
        self.run_cell("x * 21")
        self.assertEqual(self.out("%history -o 9"), "x * 21\n42\n")

    def test_search_finds_patterns_and_equal_cells_once(self):
        self.run_cell("x = 1")
        found = "history = get_ipython().history_manager\nlist(history.search({}))"
        self.assertEqual(self.run_cell(found.format("'x = ?'")).value, "[(0, 1, 'x = 1'), (0, 4, 'x = 1')]")
        self.assertEqual(self.run_cell(found.format("'x = ?', unique=True")).value, "[(0, 4, 'x = 1')]")
        self.assertEqual(self.run_cell(found.format("'x *', n=2")).value, "[(0, 2, 'x += 1'), (0, 4, 'x = 1')]")
        self.assertEqual(self.run_cell(found.format("'[^p] [=]*', n=0")).value, "[]")

    def test_recall_shows_what_it_would_fill_in(self):
        self.assertEqual(self.out("%recall 1-2"), "x = 1\nx += 1\n")
        self.assertEqual(self.out("%recall print"), "<built-in function print>\n")
        self.assertEqual(self.out("%recall x is"), "print('x is', x)\n")

    def test_save_and_macro_take_cells(self):
        self.out("%save -f cells.py 1-2")
        self.assertIn("\nx = 1\nx += 1\n", self.out("!cat cells.py"))
        self.assertIn("x += 1", self.out("%macro again 2-3"))
        self.assertEqual(self.out("again"), "x is 3\n")


if __name__ == "__main__":
    unittest.main()
