"""sys.stdout as code for terminals and for other encodings uses it."""

import unittest

from tests.support import KernelProcess


class TextStreamTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)
        self.run_cell = self.kernel.run

    def test_it_can_be_reconfigured(self):
        for given in (
            "",
            "encoding='utf-8'",
            "line_buffering=True",
            "write_through=True",
            "encoding='utf-8', errors='replace'",
            "newline='\\n'",
        ):
            run = self.run_cell(f"import sys\nsys.stdout.reconfigure({given})\nprint('ä')")
            self.assertEqual((run.status, run.stdout), ("ok", "ä\n"), given)
        self.run_cell("sys.stderr.reconfigure(line_buffering=False)")
        self.assertEqual(self.run_cell("sys.stderr.line_buffering").value, "False")

    def test_what_it_is_told_holds(self):
        self.run_cell("import sys\nsys.stdout.reconfigure(encoding='ascii', errors='replace')")
        self.assertEqual(self.run_cell("print('aä')").stdout, "a?\n")
        self.assertEqual(self.run_cell("sys.stdout.encoding").value, "'ascii'")
        self.run_cell("sys.stdout.reconfigure(encoding='latin-1', newline='\\r\\n')")
        self.assertEqual(self.run_cell("print('ä')").stdout, "ä\r\n")
        self.assertEqual(self.run_cell("print('€')").reply["error"]["ename"], "UnicodeEncodeError")

    def test_nonsense_is_refused(self):
        for given, kind in (
            ("encoding='no-such'", "LookupError"),
            ("errors='no-such'", "LookupError"),
            ("newline='x'", "ValueError"),
            ("unknown=1", "TypeError"),
        ):
            run = self.run_cell(f"import sys\nsys.stdout.reconfigure({given})")
            self.assertEqual(run.reply["error"]["ename"], kind, given)
        self.assertEqual(self.run_cell("print('fine')").stdout, "fine\n")

    def test_its_attributes_are_those_of_a_text_file(self):
        self.run_cell("import sys")
        for expression, value in (
            ("sys.stdout.encoding, sys.stdout.mode, sys.stdout.name", "('utf-8', 'w', '<stdout>')"),
            ("sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.readable()", "(False, True, False)"),
            ("sys.stdout.buffer.mode, sys.stdout.buffer.raw.name", "('wb', '<stdout>')"),
            ("sys.stdout.closed, sys.stdout.newlines, sys.stdout.write_through", "(False, None, True)"),
        ):
            self.assertEqual(self.run_cell(expression).value, value)

    def test_what_is_put_in_its_place_is_written_when_the_cell_ends(self):
        for made in (
            "io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')",
            "io.TextIOWrapper(sys.__stdout__.detach(), encoding='utf-8', errors='replace')",
            "codecs.getwriter('utf-8')(sys.__stdout__.buffer)",
            "codecs.getwriter('utf-8')(sys.__stdout__.detach())",
            "os.fdopen(1, 'w', closefd=False)",
        ):
            run = self.run_cell(f"import codecs, io, os, sys\nsys.stdout = {made}\nprint('ä')")
            self.assertEqual((run.status, run.stdout), ("ok", "ä\n"), made)
            self.assertEqual(self.run_cell("print('ö')").stdout, "ö\n", made)

    def test_what_cannot_be_written_ends_nothing(self):
        for made in ("None", "object()", "io.StringIO()"):
            self.run_cell(f"import io, sys\nsys.stdout = {made}")
            self.assertEqual(self.run_cell("sys.stdout = sys.__stdout__\nprint('on')").stdout, "on\n")
        self.run_cell("sys.stdout = io.StringIO(); sys.stdout.close()")
        self.assertEqual(self.run_cell("1").value, "1")


if __name__ == "__main__":
    unittest.main()
