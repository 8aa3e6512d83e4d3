"""A cell that fails has failed, whoever prints its traceback."""

import unittest

from tests.support import KernelProcess

_PRINTERS = {
    "rich": "from rich.traceback import install\ninstall()",
    "rich with locals": "from rich.traceback import install\ninstall(show_locals=True)",
    "a function": "get_ipython()._showtraceback = lambda kind, value, lines: print('mine')",
    "no printer": "get_ipython().showtraceback = lambda *_, **__: None",
    "an exception hook": "import sys\nsys.excepthook = lambda *_: print('never')",
    "a broken one": "def show(*_, **__): raise ValueError('broken')\nget_ipython().showtraceback = show",
    "a handler": "get_ipython().set_custom_exc((Exception,), lambda *_, **__: print('mine'))",
    "a broken handler": "get_ipython().set_custom_exc((Exception,), lambda *_: None)",
    "the name only": (
        "import sys\nip = get_ipython()\n"
        "def hide(exc_tuple=None, filename=None, tb_offset=None, exception_only=False,\n"
        "         running_compiled_code=False):\n"
        "    kind, value, trace = sys.exc_info()\n"
        "    return ip._showtraceback(kind, value, ip.InteractiveTB.get_exception_only(kind, value))\n"
        "ip.showtraceback = hide"
    ),
}


class FailuresTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)
        self.run_cell = self.kernel.run

    def test_an_error_is_an_error_under_every_printer(self):
        for name, code in _PRINTERS.items():
            with self.subTest(name), KernelProcess() as kernel:
                self.assertEqual(kernel.run(code).status, "ok")
                for failing in ("1 / 0", "%timeit -n1 -r1 1 / 0", "x = 1\n1 / 0"):
                    run = kernel.run(failing)
                    self.assertEqual(run.status, "error", failing)
                    if "timeit" not in failing:  # A broken printer fails in IPython's own code.
                        self.assertEqual(run.reply["error"]["ename"], "ZeroDivisionError", failing)
                self.assertEqual(kernel.run("2").value, "2")

    def test_rich_shows_the_users_line(self):
        self.run_cell(_PRINTERS["rich"])
        run = self.run_cell("def divide(a):\n    return a / 0\ndivide(1)")
        self.assertIn("in divide:2", run.stderr)
        self.assertNotIn("_glovebox", run.stderr)
        self.assertEqual(run.reply["error"]["traceback"], ["ZeroDivisionError: division by zero"])
        self.assertEqual(self.run_cell("x = (").reply["error"]["ename"], "SyntaxError")
        self.assertEqual(self.run_cell("%%time\n1 / 0").reply["error"]["ename"], "ZeroDivisionError")

    def test_a_custom_handler_gets_its_exceptions_and_no_others(self):
        self.run_cell(
            "def handle(shell, kind, value, trace, tb_offset=None): print('handled', value)\n"
            "get_ipython().set_custom_exc((KeyError,), handle)"
        )
        run = self.run_cell("{}['missing']")
        self.assertEqual((run.stdout, run.reply["error"]["ename"]), ("handled 'missing'\n", "KeyError"))
        run = self.run_cell("1 / 0")
        self.assertEqual((run.stdout, run.reply["error"]["ename"]), ("", "ZeroDivisionError"))

    def test_what_a_broken_printer_leaves_has_the_users_lines_only(self):
        self.run_cell(_PRINTERS["a broken one"])
        stderr = self.run_cell("1 / 0").stderr
        self.assertIn("1 / 0", stderr)
        self.assertIn("ValueError: broken", stderr)
        self.assertNotIn("_glovebox", stderr)

    def test_a_traceback_that_code_asks_for_is_no_failure(self):
        self.run_cell("1 / 0")
        run = self.run_cell("%tb")
        self.assertEqual(run.status, "ok")
        self.assertIn("ZeroDivisionError", run.stderr)
        run = self.run_cell("try: {}['k']\nexcept KeyError: get_ipython().showtraceback()\nprint('on')")
        self.assertEqual((run.status, run.stdout), ("ok", "on\n"))
        self.assertIn("KeyError", run.stderr)

    def test_a_cell_that_code_runs_fails_alone(self):
        for code, name in (
            ("result = get_ipython().run_cell('1 / 0')", "ZeroDivisionError"),
            ("result = get_ipython().run_cell('x = (1,\\ny = 2')", "SyntaxError"),
            ("result = get_ipython().run_cell('%nosuchmagic')", "UsageError"),
            ("result = get_ipython().run_cell('raise ExceptionGroup(\"g\", [KeyError(1)])')", "KeyError"),
        ):
            run = self.run_cell(f"{code}\nprint(result.success)")
            self.assertEqual((run.status, run.stdout), ("ok", "False\n"), code)
            self.assertIn(name, run.stderr, code)
            self.assertNotIn("_glovebox", run.stderr)
        run = self.run_cell("%%capture caught\nprint('before')\n1 / 0")
        self.assertEqual((run.status, run.stdout), ("ok", ""))
        self.assertIn("ZeroDivisionError", run.stderr)
        self.assertEqual(self.run_cell("caught.stdout, caught.stderr").value, "('before\\n', '')")

    def test_a_form_of_a_display_that_fails_leaves_the_others(self):
        self.run_cell(
            "class Broken:\n"
            "    def _repr_html_(self): raise KeyError('form')\n"
            "    def __repr__(self): return 'a text'"
        )
        for code in ("Broken()", "display(Broken())"):
            run = self.run_cell(f"{code}")
            self.assertEqual(run.status, "ok", code)
            self.assertIn("KeyError: 'form'", run.stderr)
            self.assertNotIn("_glovebox", run.stderr)
        self.assertEqual(self.run_cell("Broken()").value, "a text")
        self.run_cell("class Mute:\n    def __repr__(self): raise KeyError('text')")
        run = self.run_cell("Mute()")
        self.assertEqual(run.status, "ok")
        self.assertIn("KeyError: 'text'", run.stderr)

    def test_the_cell_around_one_that_failed_may_fail_as_well(self):
        inner = "get_ipython().run_cell('1 / 0')"
        for code, name in (
            (f"{inner}\n{{}}['k']", "KeyError"),
            (f"{inner}.raise_error()", "ZeroDivisionError"),
            (f"{inner}\n%nosuchmagic", "UsageError"),
        ):
            self.assertEqual(self.run_cell(code).reply["error"]["ename"], name, code)
        self.assertEqual(self.run_cell("{}['k']").reply["error"]["ename"], "KeyError")

    def test_a_failing_script_is_an_error(self):
        self.run_cell("open('failing.py', 'w').write('1 / 0')")
        self.assertEqual(self.run_cell("%run failing.py").reply["error"]["ename"], "ZeroDivisionError")

    def test_a_program_that_fails_is_an_error_where_a_magic_runs_it(self):
        for code in ("%pip install ./missing", "%uv pip list", "%%bash\nexit 3"):
            error = self.run_cell(code).reply["error"]
            self.assertEqual(error["ename"], "CalledProcessError", code)
            self.assertNotIn("_glovebox", "".join(error["traceback"]))
        for code in ("%pip --version", "!exit 3", "%%bash --no-raise-error\nexit 3"):
            self.assertEqual(self.run_cell(code).status, "ok", code)

    def test_programs_find_an_end_of_input(self):
        run = self.run_cell(
            "import subprocess, sys\n"
            "code = 'import sys; print(repr(sys.stdin.read()))'\n"
            "subprocess.run([sys.executable, '-c', code], check=True)"
        )
        self.assertEqual(run.stdout, "''\n")


if __name__ == "__main__":
    unittest.main()
