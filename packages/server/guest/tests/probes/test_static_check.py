"""The static check is pure: code in, findings out. Most of what it must not do is raise false alarms."""

import unittest

from _glovebox.probes import static_check


def check(*candidates: str) -> dict:
    return static_check.main({"candidates": list(candidates)})


def rules(code: str) -> list[str]:
    return sorted({finding["rule"] for finding in check(code)["findings"]})


class Choosing(unittest.TestCase):
    def test_the_first_reading_that_is_python_is_chosen(self):
        self.assertEqual(check("print(“x”)", "print('x')", "1")["chosen"], 1)

    def test_code_that_is_never_python_has_the_place_of_its_mistake(self):
        result = check("x = 1\nprint('a'\ny = 2")
        self.assertEqual(result["chosen"], 0)
        (only,) = result["findings"]
        self.assertEqual((only["rule"], only["line"]), ("syntax_error", 2))
        self.assertIn("never closed", only["message"])

    def test_mistakes_that_only_the_compiler_sees_count(self):
        self.assertEqual(rules("return 1"), ["syntax_error"])
        self.assertEqual(rules("x = 1\nawait_ = 2\nbreak"), ["syntax_error"])

    def test_top_level_await_is_python_here(self):
        self.assertEqual(rules("import asyncio\nawait asyncio.sleep(0)"), [])

    def test_null_bytes_and_deep_nesting_are_mistakes_and_no_crash(self):
        self.assertEqual(rules("x = '\0'"), ["syntax_error"])
        self.assertEqual(rules("(" * 5000 + ")" * 5000), ["syntax_error"])

    def test_what_is_too_long_is_not_looked_at(self):
        result = check("eval('1')\n" * 50_000)
        self.assertEqual((result["checked"], result["findings"]), (False, []))


class Rules(unittest.TestCase):
    def test_ordinary_code_has_no_findings(self):
        for code in (
            "import math\nprint(math.pi)",
            "def fib(n):\n    while True:\n        n -= 1\n        if n < 0:\n            break\nfib(3)",
            "import json, re, collections\njson.dumps(re.findall('a', 'b'))",
            "class Reader:\n    def read(self):\n        return 1\nReader().read()",
            "import os\nos.path.join('a', 'b')",
            "try:\n    import not_there_at_all\nexcept ImportError:\n    pass",
            "def count():\n    n = 0\n    while True:\n        yield n\n",
            "import re\nre.compile('a')",
            "df.eval('a + b')",
        ):
            with self.subTest(code):
                self.assertEqual(rules(code), [])

    def test_each_rule_finds_its_own(self):
        for code, rule in (
            ("import not_there_at_all", "missing_import"),
            ("from not_there_at_all.part import x", "missing_import"),
            ("import socket", "network"),
            ("from urllib.request import urlopen", "network"),
            ("import urllib.request as u\nu.urlopen('x')", "network"),
            ("import subprocess\nsubprocess.run(['ls'])", "process"),
            ("from os import system as s\ns('ls')", "process"),
            ("import os as o\no.fork()", "process"),
            ("open('x.txt')", "file_access"),
            ("import pathlib\npathlib.Path('a').write_text('b')", "file_access"),
            ("df.to_csv('out.csv')", "file_access"),
            ("open('/etc/passwd')", "file_outside"),
            ("open('../../secret')", "file_outside"),
            ("open('~/.ssh/id_rsa')", "file_outside"),
            ("import shutil\nshutil.rmtree('x')", "file_delete"),
            ("(a / b).unlink()", "file_delete"),
            ("eval(x)", "dynamic_code"),
            ("__import__(name)", "dynamic_code"),
            ("import importlib\nimportlib.import_module(name)", "dynamic_code"),
            ("import ctypes", "native_code"),
            ("().__class__.__base__.__subclasses__()", "introspection"),
            ("import sys\nsys._getframe()", "introspection"),
            ("import os\nprint(os.environ)", "environment"),
            ("from os import environ\nenviron['A']", "environment"),
            ("import pickle\npickle.loads(b'')", "unsafe_loading"),
            ("import yaml\nyaml.load(text)", "unsafe_loading"),
            ("while True:\n    pass", "endless_loop"),
            ("while 1:\n    for x in y:\n        break", "endless_loop"),
            ("import itertools\nfor i in itertools.count():\n    print(i)", "endless_loop"),
        ):
            with self.subTest(code):
                self.assertIn(rule, rules(code))

    def test_a_path_in_the_sandbox_is_not_outside(self):
        self.assertEqual(rules("open('/workspace/a'); open('/tmp/b'); open('c/d')"), ["file_access"])

    def test_a_loop_that_something_ends_is_not_endless(self):
        for body in ("break", "raise ValueError", "import sys; sys.exit()", "x = next(it)", "exit()"):
            with self.subTest(body):
                self.assertNotIn("endless_loop", rules(f"it = iter([])\nwhile True:\n    {body}"))

    def test_findings_have_places_and_an_order_and_an_end(self):
        findings = check("\n".join(["eval('1')"] * 500))["findings"]
        self.assertEqual(len(findings), static_check.FINDINGS_MAX)
        self.assertEqual([one["line"] for one in findings], list(range(1, 101)))


if __name__ == "__main__":
    unittest.main()
