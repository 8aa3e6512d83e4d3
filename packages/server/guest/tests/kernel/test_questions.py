"""Questions between cells: what is answered, and that nothing of it is left behind."""

import unittest

from tests.support import KernelProcess

_HOSTILE = "class Hostile:\n    def __dir__(self):\n        {}\nhostile = Hostile()"


class QuestionsTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)

    def ask(self, name: str, **content) -> dict:
        kind, answer = self.kernel.ask(name, **content)
        self.assertEqual(kind, f"{name}_reply", answer)
        return answer

    def complete(self, code: str) -> dict:
        return self.ask("complete", code=code, cursor_pos=len(code))

    def types(self, code: str) -> dict:
        answer = self.complete(code)
        return dict(zip(answer["matches"], answer["types"], strict=True))

    # --- completion ---------------------------------------------------------------------------

    def test_names_are_completed_with_what_they_are(self):
        self.kernel.run("import math as abmath\nabacus = 1\ndef abfunction(): 0\nclass Abclass: 0")
        self.assertEqual(
            self.types("ab"),
            {"abacus": "instance", "abfunction": "function", "abmath": "module", "abs": "function"},
        )
        self.assertEqual(self.types("Abc"), {"Abclass": "class"})
        self.assertEqual(self.types("whil"), {"while": "keyword"})

    def test_attributes_replace_what_is_behind_the_dot(self):
        self.kernel.run("import pandas\nframe = pandas.DataFrame({'column': [1]})")
        answer = self.complete("x = 1\nframe.col")
        self.assertEqual(answer["matches"], ["column", "columns"])
        self.assertEqual((answer["cursor_start"], answer["cursor_end"]), (12, 15))
        self.assertEqual(self.complete("frame['co")["matches"], ["column"])

    def test_positions_count_code_points(self):
        self.kernel.run("value = 1")
        answer = self.complete("'𝕏𝕏'; val")
        self.assertEqual((answer["cursor_start"], answer["cursor_end"]), (6, 9))

    def test_imports_magics_parameters_and_paths_are_completed(self):
        self.kernel.run("def f(parameter=1): 0\nopen('a-file.txt', 'w').close()")
        self.assertIn("numpy", self.types("import nump"))
        self.assertEqual(self.types("import nump")["numpy"], "module")
        self.assertIn("defaultdict", self.types("from collections import defau"))
        self.assertIn("%timeit", self.types("%timei"))
        self.assertEqual(self.types("f(param")["parameter="], "param")
        self.assertEqual(self.types("open('a-fi"), {"a-file.txt": "path"})

    def test_nothing_to_complete_is_an_empty_answer(self):
        self.assertEqual(
            self.complete("nothing_like_this"),
            {"matches": [], "cursor_start": 17, "cursor_end": 17, "types": []},
        )
        self.assertEqual(self.ask("complete", code="a", cursor_pos=99)["cursor_end"], 1)

    # --- inspection and is-complete -----------------------------------------------------------

    def test_a_function_is_told_with_signature_and_docstring(self):
        self.kernel.run("def area(width, height=1):\n    'The area of it.'\n    return width * height")
        text = self.ask("inspect", code="area(2)", cursor_pos=5, detail_level=0)["data"]["text/plain"]
        self.assertIn("area(width, height=1)", text)
        self.assertIn("The area of it.", text)
        self.assertNotIn("<cell", text)
        text = self.ask("inspect", code="area", cursor_pos=2, detail_level=1)["data"]["text/plain"]
        self.assertIn("return width * height", text)

    def test_a_value_is_told_without_its_own_str(self):
        self.kernel.run("class Endless:\n    def __str__(self):\n        while True: pass\nx = Endless()\ny = [1]")
        text = self.ask("inspect", code="x", cursor_pos=1, detail_level=0)["data"]["text/plain"]
        self.assertIn("<__main__.Endless>", text)
        text = self.ask("inspect", code="y", cursor_pos=1, detail_level=0)["data"]["text/plain"]
        self.assertIn("[1]", text)

    def test_an_unknown_name_is_not_found(self):
        for code in ("unknown", "", "1 +", "((("):
            answer = self.ask("inspect", code=code, cursor_pos=len(code), detail_level=0)
            self.assertEqual(answer, {"found": False, "data": {}, "metadata": {}}, code)

    def test_is_complete(self):
        for code, status, indent in (
            ("x = 1", "complete", ""),
            ("for x in y:", "incomplete", "    "),
            ("def f(:", "invalid", ""),
            ("!ls", "complete", ""),
            ("(", "incomplete", ""),
        ):
            self.assertEqual(self.ask("is_complete", code=code), {"status": status, "indent": indent})

    # --- hostile objects ----------------------------------------------------------------------

    # --- scripts ------------------------------------------------------------------------------

    def test_a_script_sees_the_session_and_leaves_nothing(self):
        self.kernel.run("kept = 1")
        source = (
            "from IPython import get_ipython\n"
            "def main(content):\n"
            "    names = get_ipython().user_ns\n"
            "    names['kept'] = names['made'] = 2\n"
            "    print('not seen')\n"
            "    return {'got': content, 'kept': names['kept']}"
        )
        answer = self.ask("script", source=source, content={"a": [1]}, apart=True)
        self.assertEqual(answer, {"answer": {"got": {"a": [1]}, "kept": 2}})
        run = self.kernel.run("kept, 'made' in globals()")
        self.assertEqual((run.value, run.stdout, run.reply["execution_count"]), ("(1, False)", "", 2))

    def test_a_script_that_needs_no_fork_is_run_where_it_is(self):
        source = "import os\ndef main(content): return os.getpid()"
        apart, here, again = (
            self.ask("script", source=source, content={}, apart=apart)["answer"]
            for apart in (True, False, False)
        )
        self.assertNotEqual(apart, here)
        self.assertEqual(here, again)
        kind, answer = self.kernel.ask("script", source="1 / 0", content={}, apart=False)
        self.assertEqual((kind, answer["reason"]), ("question_failed", "failed"))
        self.assertEqual(self.kernel.run("1").reply["execution_count"], 1)

    def test_a_script_that_fails_or_hangs_is_told_as_such(self):
        for source, reason in (
            ("def main(content): 1 / 0", "failed"),
            ("syntax error", "failed"),
            ("import os\ndef main(content): os._exit(0)", "ended"),
            ("def main(content):\n    while True: pass", "timeout"),
        ):
            with self.subTest(source):
                kind, answer = self.kernel.ask("script", 500, source=source, content={}, apart=True)
                self.assertEqual((kind, answer["reason"]), ("question_failed", reason))
        self.assertEqual(self.kernel.run("1").value, "1")

    def ask_hostile(self, body: str) -> tuple[str, str]:
        self.kernel.run(_HOSTILE.format(body))
        kind, content = self.kernel.ask("complete", timeout_ms=400, code="hostile.x", cursor_pos=9)
        return kind, content.get("reason", "")

    def test_what_takes_too_long_is_stopped_also_where_no_interrupt_helps(self):
        for body in (
            "while True: pass",
            "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
            "        while True: pass",
            "import re; re.match('(a*)*b', 'a' * 50)",
            "import os, time; os.fork(); time.sleep(5)",
        ):
            self.assertEqual(self.ask_hostile(body), ("question_failed", "timeout"), body)
        self.assertEqual(self.kernel.run("1").value, "1")

    def test_what_ends_the_process_ends_the_answer_only(self):
        for body in ("import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"):
            self.assertEqual(self.ask_hostile(body), ("question_failed", "ended"), body)
        self.assertEqual(self.kernel.run("Hostile.__name__").value, "'Hostile'")

    def test_what_raises_gives_no_matches(self):
        for body in ("raise SystemExit", "raise KeyboardInterrupt", "return [1, None, 'xa']", "1 / 0"):
            self.assertEqual(self.ask_hostile(body)[0], "complete_reply", body)

    def test_an_answer_without_end_is_refused(self):
        kind, reason = self.ask_hostile("import os; [os.write(n, b'x' * 65536) for _ in range(99) for n in range(40)]")
        self.assertEqual(kind, "question_failed", reason)
        self.assertEqual(self.kernel.run("1").value, "1")

    def test_no_room_for_a_process_is_told(self):
        self.kernel.run("import os\nplain, os.fork = os.fork, lambda: 1 / 0")
        kind, content = self.kernel.ask("is_complete", code="1")
        self.assertEqual((kind, content["reason"]), ("question_failed", "failed"))
        self.assertIn("ZeroDivisionError", content["detail"])

    def test_a_question_changes_no_state_and_its_output_is_thrown_away(self):
        self.kernel.run("runs = []\n" + _HOSTILE.format("print('noise'); runs.append(1); return ['xa']"))
        self.kernel.run("5")
        descriptors = "len(__import__('os').listdir('/proc/self/fd'))"
        before = self.kernel.run(descriptors).value
        self.assertEqual(self.complete("hostile.x")["matches"], ["xa"])
        self.ask("variables", limit=10)
        run = self.kernel.run("runs, _3, len(In), sorted(Out)")
        self.assertEqual(run.value, f"([], {before}, 5, [2, 3])")
        self.assertEqual((run.stdout, run.stderr, run.reply["execution_count"]), ("", "", 4))
        self.assertEqual(self.kernel.run(descriptors).value, before)

    def test_text_of_a_background_thread_stays_for_the_next_cell(self):
        self.kernel.run(
            "import threading, time\n"
            "threading.Thread(target=lambda: (time.sleep(0.1), print('later'))).start()"
        )
        self.kernel.run("import time; time.sleep(0)")
        for _ in range(20):
            self.ask("is_complete", code="1")
        self.assertEqual(self.kernel.run("time.sleep(0.2)").stdout, "later\n")


if __name__ == "__main__":
    unittest.main()
