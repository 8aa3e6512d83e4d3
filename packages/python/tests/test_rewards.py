"""Rewards of answers, which need no framework."""

import unittest

from glovebox import Client
from glovebox.adapters.rewards import CodeReward, extract_code

CASES = [{"stdin": "1 2\n", "stdout": "3"}, {"stdin": "5 5\n", "stdout": "10\n"}]
ADD = "Like this:\n```python\nprint(sum(map(int, input().split())))\n```\nDone."
HALF = "```\nprint(3)\n```"
ASSERTS = "assert double(2) == 4\nassert double(0) == 0"
DOUBLE = "def double(x):\n    return 2 * x"


class Rewards(unittest.TestCase):
    def setUp(self):
        self.client = Client()
        self.addCleanup(self.client.close)
        self.reward = CodeReward(self.client, timeout=5)

    def test_are_the_fraction_of_cases_that_hold(self):
        answers = [ADD, HALF, "```python\n1 / 0\n```", "no code at all"]
        self.assertEqual(self.reward.score(answers, [CASES] * 4), [1.0, 0.5, 0.0, 0.0])

    def test_of_assertions_are_all_or_nothing(self):
        answers = {
            DOUBLE: 1.0,
            "def double(x):\n    return 4": 0.0,
            "import sys\nsys.exit(0)": 0.0,
            "import os\nos._exit(0)": 0.0,
            "def double(x):\n    raise SystemExit(0)": 0.0,
            "print('ok')": 0.0,
        }
        self.assertEqual(self.reward.score(list(answers), [ASSERTS] * 6), list(answers.values()))

    def test_have_the_shapes_of_trainers(self):
        conversation = [{"role": "assistant", "content": ADD}]
        told = self.reward.trl([conversation, HALF], prompts=["a", "b"], tests=[CASES, CASES])
        self.assertEqual(told, [1.0, 0.5])
        self.assertEqual(self.reward.verl(["s"], [DOUBLE], [ASSERTS], [None]), [1.0])
        self.assertEqual(self.reward.verl_one("s", DOUBLE, ASSERTS), 1.0)
        with self.assertRaisesRegex(ValueError, "column 'tests'"):
            self.reward.trl([ADD], prompts=["a"])

    def test_code_is_the_last_block(self):
        self.assertEqual(extract_code("```py\na\n```\n```python\nb\n```"), "b\n")
        self.assertEqual(extract_code("```python\nunfinished"), "unfinished")
        self.assertEqual(extract_code("plain"), "plain")
