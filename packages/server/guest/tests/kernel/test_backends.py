"""Figures are shown inline, whichever backend code asks for."""

import unittest

from tests.support import CellRun, KernelProcess

_PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"


def images_of(run: CellRun) -> int:
    return sum("image/png" in one["content"].get("data", {}) for one in run.messages)


class BackendsTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)
        self.run_cell = self.kernel.run

    def test_a_backend_without_a_screen_shows_and_closes_figures_too(self):
        for name in ("Agg", "agg", "svg", "pdf", "cairo"):
            self.run_cell(f"import matplotlib\nmatplotlib.use('{name}')")
            for ending in ("plt.show()", "plt.savefig('out.png')", "plt.show(block=False)", ""):
                run = self.run_cell(_PLOT + ending)
                self.assertEqual((run.status, images_of(run), run.stderr), ("ok", 1, ""), (name, ending))
            self.assertEqual(self.run_cell("plt.get_fignums()").value, "[]", name)
            self.assertEqual(self.run_cell("matplotlib.get_backend()").value, f"'{name.lower()}'")

    def test_a_backend_with_a_screen_gets_a_note(self):
        for code, name in (
            ("import matplotlib; matplotlib.use('TkAgg')", "TkAgg"),
            ("import matplotlib.pyplot; matplotlib.pyplot.switch_backend('QtAgg')", "QtAgg"),
            ("import matplotlib; matplotlib.use('nbAgg', force=True)", "nbagg"),
            ("%matplotlib notebook", "notebook"),
            ("%matplotlib widget", "widget"),
            ("%matplotlib qt", "qt"),
            ("%matplotlib tk", "tk"),
        ):
            run = self.run_cell(f"{code}\n{_PLOT}")
            self.assertEqual((run.status, images_of(run)), ("ok", 1), code)
            self.assertIn(f"{name.lower()} needs a screen", run.stderr.lower(), code)

    def test_the_usual_magics_say_nothing(self):
        for code in ("%matplotlib inline", "%matplotlib agg"):
            run = self.run_cell(f"{code}\n{_PLOT}")
            self.assertEqual((images_of(run), run.stderr), (1, ""), code)

    def test_a_backend_that_nobody_knows_is_an_error(self):
        self.assertEqual(self.run_cell("%matplotlib nonsense").status, "error")
        run = self.run_cell("import matplotlib\nmatplotlib.use('nonsense')")
        self.assertEqual(run.reply["error"]["ename"], "ValueError")

    def test_a_backend_of_a_format_names_files_by_it(self):
        self.run_cell("import matplotlib\nmatplotlib.use('svg')")
        self.run_cell(_PLOT + "plt.savefig('drawn')")
        self.assertEqual(self.run_cell("open('drawn.svg').read(5)").value, "'<?xml'")

    def test_a_script_shows_its_figures_and_no_other(self):
        self.run_cell("open('plain.py', 'w').write('x = 1')")
        self.assertEqual(len(self.run_cell("%run plain.py").messages), 1)
        self.run_cell(f"open('plots.py', 'w').write({_PLOT + 'plt.show()'!r})")
        run = self.run_cell("%run plots.py")
        self.assertEqual((images_of(run), len(run.messages)), (1, 2))


if __name__ == "__main__":
    unittest.main()
