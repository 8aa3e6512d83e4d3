"""input(), getpass() and sys.stdin: questions and answers over a real connection."""

import base64
import time
import unittest

from tests.support import KernelProcess


class UserInputTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)
        self.asked = 0

    def start(self, code: str) -> None:
        self.asked = 0
        self.kernel.start(code, allow_input=True)

    def answer(self, value: str) -> dict:
        """Answer the next question, and return it."""
        request = self.kernel.wait_for("input_request")
        self.asked += 1
        self.kernel.send("input_reply", {"value": value, "number": self.asked})
        return request

    def evalue(self, code: str, **options) -> str:
        self.kernel.start(code, **options)
        error = self.kernel.finish().reply["error"]
        self.assertEqual(error["ename"], "EOFError")
        return error["evalue"]

    # --- asking -------------------------------------------------------------------------------

    def test_the_answer_is_the_value_and_is_not_echoed(self):
        self.start("name = input('Who? ')\nprint('hello', name)")
        self.assertEqual(self.answer("Ada"), {"prompt": "Who? ", "password": False})
        run = self.kernel.finish()
        self.assertEqual((run.status, run.stdout), ("ok", "hello Ada\n"))

    def test_several_questions_in_one_cell(self):
        self.start("[input() for _ in range(3)]")
        for value in ("a", "", "ü\n𝕏"):
            self.answer(value)
        self.assertEqual(self.kernel.finish().value, "['a', '', 'ü\\n𝕏']")

    def test_text_that_was_printed_before_comes_before_the_question(self):
        self.start("print('first', end='')\ninput()")
        messages = []
        while not messages or messages[-1]["msg_type"] != "input_request":
            messages.append(self.kernel._reader.read())
        self.assertEqual(messages[0]["content"]["text"], "first")
        self.kernel.send("input_reply", {"value": "", "number": 1})
        self.kernel.finish()

    def test_getpass_asks_for_a_password(self):
        self.start("import getpass\nlen(getpass.getpass())")
        self.assertEqual(self.answer("secret"), {"prompt": "Password: ", "password": True})
        self.assertEqual(self.kernel.finish().value, "6")

    def test_a_prompt_is_cut_and_may_be_any_object(self):
        self.start("input('x' * 10**6), input(7), input('\\udcff')")
        self.assertEqual(len(self.answer("")["prompt"]), 4000)
        self.assertEqual(self.answer("")["prompt"], "7")
        self.answer("")
        self.assertEqual(self.kernel.finish().status, "ok")

    def test_standard_input_gives_lines(self):
        self.start("import sys\na = sys.stdin.readline()\nb = next(sys.stdin)\nc = sys.stdin.read()\n(a, b, c)")
        for value in ("one", "two", "three\nfour", "five"):
            self.assertEqual(self.answer(value)["prompt"], "")
        self.piece(b"", eof=True)
        self.assertEqual(
            self.kernel.finish().value, "('one\\n', 'two\\n', 'three\\nfour\\nfive\\n')"
        )

    def piece(self, data: bytes, eof: bool = False) -> None:
        """Answer the next question with a piece of standard input."""
        self.kernel.wait_for("input_request")
        self.asked += 1
        text = base64.b64encode(data).decode()
        self.kernel.send("input_piece", {"data": text, "eof": eof, "number": self.asked})

    def test_pieces_are_read_by_every_way_until_the_end(self):
        pieces = (b"1\n2", b"2\n\xc3", b"\xbc\n4")
        for code, value in {
            "sys.stdin.read()": "'1\\n22\\nü\\n4'",
            "sys.stdin.buffer.read()": "b'1\\n22\\n\\xc3\\xbc\\n4'",
            "[line for line in sys.stdin]": "['1\\n', '22\\n', 'ü\\n', '4']",
            "[input(), sys.stdin.readline(), input(), input()]": "['1', '22\\n', 'ü', '4']",
            "(input('? '), sys.stdin.read())": "('1', '22\\nü\\n4')",
        }.items():
            self.start(f"import sys\n{code}")
            for data in pieces:
                self.piece(data)
            self.piece(b"", eof=True)
            self.assertEqual(self.kernel.finish().value, value, code)

    def test_after_the_end_nothing_is_asked(self):
        self.start("import sys\nprint(repr(sys.stdin.read()), repr(sys.stdin.read()))\ninput()")
        self.piece(b"x", eof=True)
        run = self.kernel.finish()
        self.assertEqual((run.stdout, run.reply["error"]["ename"]), ("'x' ''\n", "EOFError"))
        self.start("input()")
        self.answer("asked again")
        self.assertEqual(self.kernel.finish().value, "'asked again'")

    def test_pieces_are_for_one_execution(self):
        self.start("input()")
        self.piece(b"1\n2\n3\n")
        self.assertEqual(self.kernel.finish().value, "'1'")
        self.start("import sys\nsys.stdin.readline()")
        self.answer("new")
        self.assertEqual(self.kernel.finish().value, "'new\\n'")

    def test_a_standard_input_of_user_code_is_read_instead(self):
        run = self.kernel.run("import io, sys\nsys.stdin = io.StringIO('a\\nb\\n')\ninput('? '), input()")
        self.assertEqual((run.value, run.stdout), ("('a', 'b')", "? "))

    def test_standard_input_cannot_be_closed(self):
        self.kernel.run("import sys\nsys.stdin.close()")
        self.start("sys.stdin.readline()")
        self.answer("x")
        self.assertEqual(self.kernel.finish().value, "'x\\n'")

    # --- where nobody answers -----------------------------------------------------------------

    def test_without_leave_it_is_an_error_that_says_how_to_get_it(self):
        for code in ("input('x')", "import getpass; getpass.getpass()"):
            self.assertIn("allow_input", self.evalue(code))
        self.assertEqual(self.kernel.run("import sys\nsys.stdin.read(), sys.stdin.readline()").value, "('', '')")

    def test_leave_ends_with_the_cell(self):
        self.start("1")
        self.kernel.finish()
        self.assertIn("nobody can answer", self.evalue("input()"))

    # --- text that the execution was given ------------------------------------------------------

    def given(self, text: str, code: str):
        self.kernel.send("standard_input", {"text": text})
        return self.kernel.run(code)

    def test_given_text_is_read_by_every_way_and_ends(self):
        for code, value in {
            "sys.stdin.read()": "'a\\nü\\n'",
            "list(sys.stdin)": "['a\\n', 'ü\\n']",
            "sys.stdin.buffer.read()": "b'a\\n\\xc3\\xbc\\n'",
            "os.read(0, 99)": "b'a\\n\\xc3\\xbc\\n'",
            "[input(), getpass.getpass('')]": "['a', 'ü']",
            "subprocess.run(['cat'], capture_output=True, text=True).stdout": "'a\\nü\\n'",
            "(sys.stdin.read(), sys.stdin.read())": "('a\\nü\\n', '')",
        }.items():
            run = self.given("a\nü\n", f"import getpass, os, subprocess, sys\n{code}")
            self.assertEqual(run.value, value, code)
        run = self.given("a", "input('? ')\ninput('! ')")
        self.assertEqual((run.stdout, run.reply["error"]["ename"]), ("? ! ", "EOFError"))

    def test_given_text_is_for_one_execution(self):
        self.given("left\nover\n", "input()")
        self.assertEqual(self.kernel.run("import os, sys\nsys.stdin.read(), os.read(0, 9)").value, "('', b'')")
        self.assertIn("nobody can answer", self.evalue("input()"))
        self.kernel.run("import io\nsys.stdin = io.StringIO('own')")
        self.assertEqual(self.given("given", "sys.stdin.read()").value, "'given'")
        self.start("input()")
        self.answer("asked")
        self.assertEqual(self.kernel.finish().value, "'asked'")

    def test_given_text_comes_in_pieces_and_may_be_empty(self):
        self.kernel.send("standard_input", {"text": "x" * 1_000_000})
        run = self.given("y" * 1_000_000, "import sys\ntext = sys.stdin.read()\nlen(text), text[-1]")
        self.assertEqual(run.value, "(2000000, 'y')")
        self.assertEqual(self.given("", "sys.stdin.read()").value, "''")

    def test_threads_and_children_get_an_error(self):
        code = (
            "import threading\nseen = []\n"
            "def ask():\n    try: input()\n    except EOFError as e: seen.append(str(e))\n"
            "thread = threading.Thread(target=ask)\nthread.start()\nthread.join()\nraise EOFError(seen[0])"
        )
        self.assertIn("main thread", self.evalue(code, allow_input=True))
        self.start(
            "import os, sys\nif not (pid := os.fork()):\n"
            "    try: input()\n    except EOFError as e: print(e, repr(sys.stdin.read()), flush=True)\n"
            "    os._exit(0)\nos.waitpid(pid, 0)[1]"
        )
        run = self.kernel.finish()
        self.assertIn("a child of it ''", run.stdout)
        self.assertEqual(run.value, "0")

    def test_a_signal_handler_that_asks_in_a_question_gets_an_error(self):
        self.start(
            "import signal\ndef ask(*_):\n    try: input()\n    except EOFError as e: print(e)\n"
            "signal.signal(signal.SIGALRM, ask)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ninput()"
        )
        self.kernel.wait_for("input_request")
        time.sleep(0.2)
        self.kernel.send("input_reply", {"value": "x", "number": 1})
        run = self.kernel.finish()
        self.assertIn("is waiting already", run.stdout)
        self.assertEqual(run.value, "'x'")

    # --- interrupts ---------------------------------------------------------------------------

    def test_an_interrupt_ends_the_waiting_and_keeps_the_session(self):
        self.kernel.run("kept = 1")
        self.start("input()")
        self.kernel.wait_for("input_request")
        self.kernel.interrupt()
        run = self.kernel.finish()
        self.assertEqual((run.status, run.reply["error"]["ename"]), ("interrupted", "KeyboardInterrupt"))
        self.assertEqual(self.kernel.run("kept").value, "1")

    def test_a_late_answer_is_not_taken_for_the_next_question(self):
        self.start("try: input()\nexcept KeyboardInterrupt: pass\ninput()")
        self.kernel.wait_for("input_request")
        self.kernel.interrupt()
        self.kernel.wait_for("input_request")
        self.kernel.send("input_reply", {"value": "late", "number": 1})
        self.kernel.send("input_reply", {"value": "right", "number": 2})
        self.assertEqual(self.kernel.finish().value, "'right'")

    def test_an_answer_between_cells_is_ignored(self):
        self.kernel.send("input_reply", {"value": "x", "number": 1})
        self.assertEqual(self.kernel.run("1").value, "1")

    def test_many_interrupts_never_tear_a_frame(self):
        self.start("got = 0\nfor n in range(40):\n    try: got += len(input())\n    except KeyboardInterrupt: pass")
        for number in range(1, 41):
            self.kernel.wait_for("input_request")
            self.kernel.interrupt()
            self.kernel.send("input_reply", {"value": "x" * 60_000, "number": number})
        self.assertIn(self.kernel.finish().status, ("ok", "interrupted"))
        self.assertEqual(self.kernel.run("1").value, "1")

    def test_a_kernel_that_waits_ends_when_its_connection_does(self):
        kernel = KernelProcess()
        kernel.start("input()", allow_input=True)
        kernel.wait_for("input_request")
        kernel.disconnect()  # Returns when it has ended.


if __name__ == "__main__":
    unittest.main()
