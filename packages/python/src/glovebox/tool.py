"""The code interpreter as a tool of a language model: a function, and what to tell the model about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional

from .errors import invalid
from .results import Result

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._sync.client import Client

#: Name, description and JSON schema, as OpenAI's ``function`` and most other APIs take them.
code_interpreter_definition: Dict[str, Any] = {
    "name": "code_interpreter",
    "description": (
        "Runs Python in a sandbox and returns what it printed, the value of its last expression and "
        "the files it made. NumPy, pandas, SciPy, scikit-learn and matplotlib are there; the network "
        "is not. Variables and files in the working directory are kept for the next call. Figures are "
        "shown to the user."
    ),
    "parameters": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "description": "Python source. IPython's syntax works."},
            "timeout": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "Seconds after which the code is stopped, if it should be fewer than "
                "usual.",
            },
        },
        "required": ["code"],
        "additionalProperties": False,
    },
}


async def code_interpreter_tool(
    code: str,
    session_id: Optional[str] = None,
    timeout: Optional[float] = None,
    *,
    client: Optional["AsyncClient"] = None,
) -> Result:
    """Run what a model wrote. Code that fails is an answer, from which the model may learn.

    Let the program choose ``session_id``, not the model: it decides whose variables are seen.
    ``client`` is by default one with the settings of the environment.
    """
    _check(code, timeout)
    if client is not None:
        return await client.execute(code, session_id=session_id, timeout=timeout)
    from ._async.client import AsyncClient

    async with AsyncClient() as own:
        return await own.execute(code, session_id=session_id, timeout=timeout)


def run_code_interpreter(
    code: str,
    session_id: Optional[str] = None,
    timeout: Optional[float] = None,
    *,
    client: Optional["Client"] = None,
) -> Result:
    """``code_interpreter_tool`` for programs without asyncio."""
    _check(code, timeout)
    if client is not None:
        return client.execute(code, session_id=session_id, timeout=timeout)
    from ._sync.client import Client

    with Client() as own:
        return own.execute(code, session_id=session_id, timeout=timeout)


def _check(code: object, timeout: object) -> None:
    """A model's arguments have the type that it pleases."""
    known = timeout is None or (isinstance(timeout, (int, float)) and not isinstance(timeout, bool))
    if not isinstance(code, str) or not known:
        raise invalid("code must be a string, and timeout a number.")


def describe_for_model(result: Mapping[str, Any], characters_max: int = 10_000) -> str:
    """What a model should read of an answer: text, errors with their hints, files; no images."""
    lost = result.get("session_restarted")
    parts = [
        "" if result["status"] == "ok" else f"status: {result['status']}",
        ""
        if lost is None
        else "[variables and files of earlier runs were lost before this one: "
        f"{lost['reason']}]",
        _shorten(result["result_text"] or "", characters_max),
    ]
    images = sum(
        any(mime_type.startswith("image/") for mime_type in output.get("data", {}))
        for output in result["outputs"]
    )
    if images > 0:
        parts.append(f"[images shown to the user: {images}]")
    for what in ("created", "modified"):
        paths = result[f"files_{what}"]
        if paths:
            parts.append(f"[files {what}: {_shorten(', '.join(paths), 1000)}]")
    return "\n".join(part for part in parts if part != "") or "[no output]"


def _shorten(text: str, characters_max: int) -> str:
    """Beginning and end, as a traceback's last line says most."""
    trimmed = text.rstrip()
    if len(trimmed) <= characters_max:
        return trimmed
    half = characters_max // 2
    left = len(trimmed) - 2 * half
    return f"{trimmed[:half]}\n[{left} characters left out]\n{trimmed[-half:]}"


def python_value(value: Any) -> str:
    """A Python expression with this JSON value, to put into code: ``f"rows = {python_value(rows)}"``.

    Whatever a string holds, it stays a string; pasted into code it could become code.
    """
    return f'__import__("json").loads({json.dumps(json.dumps(value))})'
