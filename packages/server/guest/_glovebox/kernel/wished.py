"""Cells as front ends of notebooks want them: silent, without a place in the history, with expressions after them."""

import json

from _glovebox.kernel.outcome import Outcome

# In characters of JSON, of which one takes up to six bytes. A reply has other things to hold.
_EXPRESSIONS_MAX = 100_000


def run(shell, code: str, silent: bool, store_history: bool, user_expressions: dict[str, str]) -> Outcome:
    outcome = shell.run(code) if store_history else shell.run_apart(code, silent)
    if user_expressions and outcome.error is None and not outcome.exit_code:
        outcome.user_expressions = _evaluated(shell, user_expressions)
    return outcome


def _evaluated(shell, expressions: dict[str, str]) -> dict:
    """Each by itself, as far as there is room. User code decides what a value looks like."""
    left = _EXPRESSIONS_MAX
    values = {}
    for name, expression in expressions.items():
        (value,) = shell.user_expressions({name: expression}).values()
        try:
            length = len(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as failure:
            value, length = _failed(type(failure).__name__, str(failure)), 1000
        if length > left:
            value, length = _failed("ValueError", "the value is too long to be told"), 0
        values[name] = value
        left -= length
    return values


def _failed(ename: str, evalue: str) -> dict:
    return {"status": "error", "ename": ename, "evalue": evalue[:500], "traceback": []}
