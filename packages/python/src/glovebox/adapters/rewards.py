"""Rewards for training: what a model wrote is run by ``batch``, each answer in a sandbox of its own.

Tests of an answer are either cases, ``[{"stdin": …, "stdout": …}]``, of which the reward is the
fraction that holds, or Python that asserts, for a reward of 1 or 0. Cases are judged outside of the
sandbox. Assertions run in the process of the answer, and a model under training may learn to deceive
them.
"""

from __future__ import annotations

import secrets
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .._sync.client import Client

Case = Mapping[str, str]
Tests = Union[str, Sequence[Case]]


class CodeReward:
    """``score`` for any loop; ``trl`` is a reward function of TRL's trainers, ``verl`` the
    ``compute_score`` of verl's batch reward manager, ``verl_one`` that for a single answer."""

    def __init__(
        self,
        client: Optional[Client] = None,
        *,
        timeout: float = 10.0,
        memory_limit: Union[str, int, None] = None,
        concurrency: Optional[int] = None,
        column: str = "tests",
    ) -> None:
        self._client = client if client is not None else Client()
        self._limits: Dict[str, Any] = {"timeout": timeout}
        if memory_limit is not None:
            self._limits["memory_limit"] = memory_limit
        self._concurrency = concurrency
        self._column = column
        #: Trainers print it.
        self.__name__ = "code_reward"

    def score(self, answers: Sequence[str], tests: Sequence[Tests]) -> List[float]:
        """A reward for each answer. Raises ``GloveboxError`` where one could not be run at all."""
        if len(answers) != len(tests):
            raise ValueError(f"There are {len(answers)} answers and tests for {len(tests)}.")
        token = secrets.token_hex(16)
        items, owners = [], []
        for at, (answer, its) in enumerate(zip(answers, tests)):
            for expected, item in _items(extract_code(answer), its, token):
                items.append({**item, **self._limits})
                owners.append((at, expected))
        include = ["stdout"]
        batch = self._client.batch(items, concurrency=self._concurrency, include=include)
        held: List[List[bool]] = [[] for _ in answers]
        for one, (at, expected) in zip(batch, owners):
            result = one.result
            # Its want of a sandbox says nothing about an answer.
            printed = one.raise_for_error().stdout if result is None else result.stdout
            held[at].append(one.ok and _same(printed, expected))
        return [sum(each) / len(each) if each else 0.0 for each in held]

    def trl(self, completions: Sequence[Any], **columns: Any) -> List[float]:
        """Completions are texts, or conversations whose last message counts."""
        if self._column not in columns:
            raise ValueError(f"The data set has no column {self._column!r}; name it by column=.")
        return self.score([_text_of(one) for one in completions], columns[self._column])

    def verl(
        self,
        data_sources: Sequence[str],
        solution_strs: Sequence[str],
        ground_truths: Sequence[Tests],
        extra_infos: Any = None,
        **_: Any,
    ) -> List[float]:
        return self.score(list(solution_strs), list(ground_truths))

    def verl_one(
        self, data_source: str, solution_str: str, ground_truth: Tests, extra_info: Any = None, **_: Any
    ) -> float:
        return self.score([solution_str], [ground_truth])[0]


def extract_code(answer: str) -> str:
    """The last block of code between fences, or all of it where there is none."""
    blocks = answer.split("```")[1::2]
    if not blocks:
        return answer
    first, newline, rest = blocks[-1].partition("\n")
    return rest if newline and first.strip().lower() in ("", "python", "py", "python3") else blocks[-1]


def _items(code: str, tests: Tests, token: str) -> List[Tuple[str, Dict[str, Any]]]:
    """What a run has to print, and the run."""
    if not isinstance(tests, str):
        cases = [(str(case["stdout"]), str(case.get("stdin", ""))) for case in tests]
        return [(wanted, {"code": code, "stdin": given}) for wanted, given in cases]
    # Nothing but having reached the end is told by the token: an answer may exit, or print at will.
    body = f"from answer import *\n{tests}\nprint({token!r})"
    return [(f"\0{token}", {"code": body, "files": {"answer.py": code}})]


def _same(printed: str, expected: str) -> bool:
    if expected.startswith("\0"):
        return printed.rstrip("\n").endswith(expected[1:])
    lines = (one.rstrip() for one in printed.rstrip().split("\n"))
    return list(lines) == [one.rstrip() for one in expected.rstrip().split("\n")]


def _text_of(completion: Any) -> str:
    if isinstance(completion, str):
        return completion
    content = completion[-1]["content"] if completion else ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
