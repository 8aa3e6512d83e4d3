"""What cells mean: values, errors, exits, magics. Each test has a forked kernel of its own."""

import unittest

from tests.support import KernelProcess


class ShellTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)
        self.run_cell = self.kernel.run

    def error_of(self, code: str) -> dict:
        run = self.run_cell(code)
        self.assertEqual(run.status, "error", run.messages)
        self.assertIsNotNone(run.reply["error"], run.messages)
        return run.reply["error"]

    # --- values -----------------------------------------------------------------------------

    def test_the_last_expression_is_the_value(self):
        for code, value in (
            ("1 + 1", "2"),
            ("True", "True"),
            ("'text'", "'text'"),
            ("x = 3\nx", "3"),
            ("[1,\n 2]", "[1, 2]"),
            ("3 # comment", "3"),
            ("def f(): return 5\nf()", "5"),
        ):
            self.assertEqual(self.run_cell(code).value, value, code)

    def test_statements_and_none_have_no_value(self):
        for code in ("x = 1", "None", "", "# comment", "for i in range(3): i", "print()", "pass\n"):
            run = self.run_cell(code)
            self.assertEqual((run.status, run.value), ("ok", None), code)

    def test_a_semicolon_silences(self):
        for code in ("1;", "x = [1]\nx;", "2 + 2; # comment", "'a';  "):
            self.assertIsNone(self.run_cell(code).value, code)
        self.assertEqual(self.run_cell("1; 2").value, "2")

    def test_earlier_values_and_inputs_are_kept(self):
        self.run_cell("6 * 7")
        self.assertEqual(self.run_cell("_").value, "42")
        self.assertEqual(self.run_cell("_1 + Out[1]").value, "84")
        self.assertEqual(self.run_cell("In[1]").value, "'6 * 7'")
        self.assertEqual(self.run_cell("_i1, _i").value, "('6 * 7', 'In[1]')")

    def test_a_printer_that_the_user_registers_is_used_for_numbers_too(self):
        self.run_cell(
            "formatter = get_ipython().display_formatter.formatters['text/plain']\n"
            "formatter.for_type(int, lambda n, p, cycle: p.text(hex(n)))"
        )
        self.assertEqual(self.run_cell("255").value, "0xff")

    def test_rich_values_come_as_bundles(self):
        run = self.run_cell("import pandas\npandas.DataFrame({'a': [1]})")
        [result] = [one for one in run.messages if one["msg_type"] == "execute_result"]
        self.assertIn("<table", result["content"]["data"]["text/html"])
        self.assertIn("text/plain", result["content"]["data"])

    def test_display_and_its_update_carry_their_id(self):
        run = self.run_cell("handle = display('one', display_id='d')\nhandle.update('two')")
        shown = [
            (one["msg_type"], one["content"]["data"]["text/plain"], one["content"]["transient"])
            for one in run.messages[:-1]
        ]
        self.assertEqual(
            shown,
            [
                ("display_data", "'one'", {"display_id": "d"}),
                ("update_display_data", "'two'", {"display_id": "d"}),
            ],
        )

    def test_clear_output_is_a_message(self):
        run = self.run_cell("from IPython.display import clear_output\nclear_output(wait=True)")
        self.assertEqual(run.messages[0]["msg_type"], "clear_output")
        self.assertEqual(run.messages[0]["content"], {"wait": True})

    # --- errors -----------------------------------------------------------------------------

    def test_an_error_tells_its_name_and_value_and_the_users_lines(self):
        error = self.error_of("def divide(a):\n    return a / 0\ndivide(1)")
        self.assertEqual((error["ename"], error["evalue"]), ("ZeroDivisionError", "division by zero"))
        text = "\n".join(error["traceback"])
        self.assertIn("return a / 0", text)
        self.assertIn("divide(1)", text)

    def test_a_traceback_has_no_frames_of_this_product(self):
        for code in (
            "1/0",
            "%nosuchmagic",
            "await nothing",
            "raise KeyError('x')",
            "print(1, file=3)",
            "import asyncio\nawait asyncio.sleep('x')",
            "def f():\n    1/0\n%time f()",
        ):
            run = self.run_cell(code)
            text = "\n".join((run.reply["error"] or {}).get("traceback", []))
            self.assertNotIn("/opt/glovebox", text, code)
            for name in ("shell.py", "kernel.py", "_run_plain"):
                self.assertNotIn(name, text, code)

    def test_a_traceback_has_no_colours(self):
        self.assertNotIn("\x1b", "\n".join(self.error_of("1/0")["traceback"]))

    def test_a_syntax_error_points_at_its_place(self):
        error = self.error_of("x = (1,\ny = 2")
        self.assertEqual(error["ename"], "SyntaxError")
        self.assertIn("^", "\n".join(error["traceback"]))
        self.assertEqual(self.error_of("  x = 1\n y = 2")["ename"], "IndentationError")

    def test_an_unknown_magic_is_an_error(self):
        error = self.error_of("%nosuchmagic")
        self.assertEqual(error["ename"], "UsageError")

    def test_an_exception_group_is_an_error(self):
        error = self.error_of("raise ExceptionGroup('several', [ValueError(1), KeyError(2)])")
        self.assertEqual(error["ename"], "ExceptionGroup")
        self.assertIn("ValueError", "\n".join(error["traceback"]))

    def test_an_error_after_output_keeps_the_output(self):
        run = self.run_cell("print('before')\n1/0")
        self.assertEqual((run.stdout, run.status), ("before\n", "error"))

    def test_an_exception_without_a_usable_text_is_an_error_like_any_other(self):
        error = self.error_of(
            "class Bad(Exception):\n    def __str__(self): raise RuntimeError\nraise Bad()"
        )
        self.assertEqual(error["ename"], "Bad")

    def test_an_error_fits_into_what_the_gateway_accepts(self):
        error = self.error_of(
            "raise type('E' * 5000, (Exception,), {})('v' * 100_000 + '\\N{GRINNING FACE}' * 70_000)"
        )
        self.assertLessEqual(len(error["ename"]), 1024)
        self.assertLessEqual(len(error["evalue"]), 65536)
        self.assertLessEqual(len(error["traceback"]), 200)

    def test_endless_recursion_is_an_error(self):
        error = self.error_of("def f(): f()\nf()")
        self.assertEqual(error["ename"], "RecursionError")
        self.assertIn("f()", error["traceback"][-2])
        self.assertLess(sum(map(len, error["traceback"])), 50_000)

    def test_raising_keyboard_interrupt_counts_as_interrupted(self):
        run = self.run_cell("raise KeyboardInterrupt")
        self.assertEqual(run.status, "interrupted")
        self.assertEqual(run.reply["error"]["ename"], "KeyboardInterrupt")

    def test_after_an_error_the_session_goes_on(self):
        self.run_cell("a = 1\n1/0")
        self.assertEqual(self.run_cell("a").value, "1")

    # --- exits ------------------------------------------------------------------------------

    def test_sys_exit_ends_the_cell_with_its_code_and_the_session_goes_on(self):
        for argument, code, status in (
            ("", 0, "ok"),
            ("None", 0, "ok"),
            ("0", 0, "ok"),
            ("3", 3, "error"),
            ("-1", 255, "error"),
            ("True", 1, "error"),
            ("'text'", 1, "error"),
        ):
            run = self.run_cell(f"import sys\nsys.exit({argument})\nprint('not reached')")
            self.assertEqual((run.reply["exit_code"], run.status), (code, status), argument)
            self.assertIsNone(run.reply["error"])
            self.assertEqual(run.stdout, "")
        self.assertEqual(self.run_cell("1").value, "1")

    def test_sys_exit_with_a_text_prints_it_to_stderr(self):
        self.assertEqual(self.run_cell("raise SystemExit('good bye')").stderr, "good bye\n")

    def test_sys_exit_with_a_thing_that_has_no_text_does_not_end_the_session(self):
        self.run_cell("kept = 1")
        run = self.run_cell(
            "class Bad:\n    def __str__(self): raise RuntimeError\nraise SystemExit(Bad())"
        )
        self.assertEqual(run.reply["exit_code"], 1)
        self.assertEqual(self.run_cell("kept").value, "1")

    def test_exit_in_a_cell_that_needs_ipython_means_the_same(self):
        run = self.run_cell("%pwd\nimport sys\nsys.exit(4)")
        self.assertEqual((run.reply["exit_code"], run.status), (4, "error"))
        self.assertEqual(run.stderr, "")

    def test_quit_and_exit_end_the_cell_and_nothing_else(self):
        self.run_cell("kept = 1")
        for code in ("exit", "quit()", "exit()"):
            run = self.run_cell(code)
            self.assertEqual((run.status, run.reply["exit_code"]), ("ok", 0), code)
        self.assertEqual(self.run_cell("kept").value, "1")

    # --- what only IPython understands --------------------------------------------------------

    def test_magics_work(self):
        self.assertEqual(self.run_cell("%pwd").value, "'/workspace'")
        self.assertEqual(self.run_cell("x = %pwd\nx").value, "'/workspace'")
        self.assertEqual(self.run_cell("%%capture caught\nprint('hello')\n").stdout, "")
        self.assertEqual(self.run_cell("caught.stdout").value, r"'hello\n'")

    def test_a_cell_magic_gets_its_lines(self):
        self.run_cell("%%writefile made.txt\none\ntwo\n")
        self.assertEqual(self.run_cell("open('made.txt').read()").value, r"'one\ntwo\n'")

    def test_ls_lists_files_unless_it_is_a_variable(self):
        self.run_cell("open('visible.txt', 'w').close()")
        self.assertIn("visible.txt", self.run_cell("ls").stdout)
        self.assertIn("visible.txt", self.run_cell("ls -l").stdout)
        self.run_cell("ls, l = 7, 2")
        self.assertEqual(self.run_cell("ls").value, "7")
        self.assertEqual(self.run_cell("ls -l").value, "5")

    def test_await_works_at_the_top_level(self):
        code = "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 9\nawait f()"
        self.assertEqual(self.run_cell(code).value, "9")
        self.assertEqual(self.error_of("await f(1)")["ename"], "TypeError")
        self.assertEqual(self.run_cell("asyncio.run(f())").value, "9")

    def test_shell_commands_write_in_order_and_leave_their_exit_code(self):
        run = self.run_cell("print('one')\n!echo two; echo three >&2; exit 5\nprint('four')")
        self.assertEqual((run.stdout, run.stderr), ("one\ntwo\nfour\n", "three\n"))
        self.assertEqual(self.run_cell("_exit_code").value, "5")

    def test_shell_commands_see_variables_and_can_be_captured(self):
        self.run_cell("name = 'world'")
        self.assertEqual(self.run_cell("!echo hello {name} $name").stdout, "hello world world\n")
        self.assertEqual(self.run_cell("lines = !printf 'a\\nb'\nlist(lines)").value, "['a', 'b']")

    def test_help_is_shown(self):
        run = self.run_cell("len?")
        text = run.stdout + str(run.messages)
        self.assertIn("Return the number of items", text)

    def test_output_of_subprocesses_and_c_code_is_captured_in_order(self):
        run = self.run_cell(
            "import ctypes, os, subprocess\n"
            "print('one')\n"
            "subprocess.run(['echo', 'two'])\n"
            "ctypes.CDLL(None).puts(b'three'); ctypes.CDLL(None).fflush(None)\n"
            "os.system('echo four')\n"
            "print('five')"
        )
        self.assertEqual(run.stdout, "one\ntwo\nthree\nfour\nfive\n")

    def test_a_future_import_holds_for_later_cells(self):
        self.run_cell("from __future__ import annotations")
        self.run_cell("def f(a: undefined_name): pass")
        self.assertEqual(self.run_cell("f.__annotations__").value, "{'a': 'undefined_name'}")

    def test_registered_callbacks_get_what_ipython_promises_them(self):
        self.run_cell(
            "seen = []\n"
            "events = get_ipython().events\n"
            "events.register('pre_run_cell', lambda info: seen.append(info.raw_cell))\n"
            "events.register('post_run_cell', lambda result: seen.append(result.success))"
        )
        self.run_cell("plain = 1")
        self.assertEqual(self.run_cell("seen[-3:-1]").value, "['plain = 1', True]")

    # --- modules ----------------------------------------------------------------------------

    def test_functions_and_classes_of_cells_can_be_pickled(self):
        self.run_cell("class Point:\n    x = 1\ndef f(): return 2")
        run = self.run_cell(
            "import pickle\n"
            "(pickle.loads(pickle.dumps(f))(), pickle.loads(pickle.dumps(Point())).x, f.__module__)"
        )
        self.assertEqual(run.value, "(2, 1, '__main__')")
        self.assertEqual(self.run_cell("__name__").value, "'__main__'")

    def test_the_source_of_functions_in_cells_can_be_read(self):
        self.run_cell("def f():\n    return 'body'")
        self.assertIn("return 'body'", self.run_cell("import inspect\nprint(inspect.getsource(f))").stdout)

    def test_a_module_in_the_workspace_can_be_imported(self):
        self.run_cell("open('helper.py', 'w').write('value = 11')")
        self.assertEqual(self.run_cell("import helper\nhelper.value").value, "11")

    def test_a_module_beside_the_user_can_be_imported(self):
        self.run_cell("import os\nos.mkdir('inner')\nopen('inner/nearby.py', 'w').write('value = 12')")
        self.run_cell("%cd -q inner")
        self.assertEqual(self.run_cell("import nearby\nnearby.value").value, "12")

    def test_the_path_of_modules_begins_at_the_workspace(self):
        self.run_cell("import sys\nown = [one for one in sys.path if 'dist-packages' not in one]")
        self.assertEqual(self.run_cell("own[0], own[-1]").value, "('/workspace', '')")

    def test_a_variable_of_one_kernel_is_unknown_to_another(self):
        self.run_cell("private = 1")
        with KernelProcess() as other:
            self.assertEqual(other.run("private").reply["error"]["ename"], "NameError")

    def test_a_new_kernel_has_no_traces_of_its_preparation(self):
        self.assertEqual(
            self.run_cell("[name for name in ('plt', 'pandas', 'a', 'b') if name in globals()]").value,
            "[]",
        )
        self.assertEqual(self.run_cell("len(In)").value, "3")

    # --- warnings ---------------------------------------------------------------------------

    def test_warnings_are_shown_on_stderr_with_the_users_line(self):
        run = self.run_cell("import warnings\nwarnings.warn('be careful')")
        self.assertIn("UserWarning: be careful", run.stderr)
        self.assertEqual(run.status, "ok")

    def test_a_deprecation_in_the_users_own_code_is_shown(self):
        run = self.run_cell("import warnings\nwarnings.warn('old', DeprecationWarning)")
        self.assertIn("DeprecationWarning: old", run.stderr)

    def test_a_syntax_warning_is_shown_once(self):
        run = self.run_cell("x = '\\d'\nx")
        self.assertEqual(run.stderr.count("SyntaxWarning"), 1, run.stderr)
        self.assertEqual(run.value, r"'\\d'")


if __name__ == "__main__":
    unittest.main()
