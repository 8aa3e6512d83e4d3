"""Requests as data, how arguments become the wire's fields, and what may be sent again."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote

from .errors import ConnectionError, GloveboxError, invalid

Json = Dict[str, Any]

#: Seconds that a run may wait for its turn and its sandbox, beside its own time.
WAIT = 60.0
#: Trying every protection, or ending every sandbox, may take longer than an ordinary request.
SLOW = 120.0
#: The server sends something every 15 seconds.
SILENCE_MAX = 45.0

_SAFE_METHODS = frozenset({"GET", "HEAD", "DELETE"})
#: These refuse a request before anything was run for it.
_NOTHING_WAS_RUN = frozenset(
    {
        "QUOTA_EXCEEDED",
        "TOO_MANY_BODIES",
        "SESSION_BUSY",
        "TOO_MANY_TRANSFERS",
        "POOL_EXHAUSTED",
        "SANDBOX_START_FAILED",
        "SHUTTING_DOWN",
    }
)
_BACKOFF = 0.25
#: A program that would have to wait longer should be told instead.
_RETRY_WAIT_MAX = 30.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """With its segments encoded, from the server's root on, without a slash in front."""
    json: Optional[Mapping[str, Any]] = None
    content: Any = None
    """Sent as it is: bytes, or an iterator, which can be sent once only."""
    files: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: Optional[float] = -1.0
    """Seconds; None: as long as it takes; negative: the client's own."""
    accept: FrozenSet[int] = frozenset()
    """Statuses beside 2xx with which the server answers in the ordinary shape."""
    once: bool = False
    """Whether its content can be read once only."""


def retry_delay(request: Request, error: GloveboxError, attempt: int) -> Optional[float]:
    """Seconds to wait before the request is sent again; None when it must not be.

    Repeated are GET, HEAD and DELETE after a broken connection, a 429 or a 503; anything else only
    after an answer whose code says that nothing was run.
    """
    if request.once:
        return None
    safe = request.method in _SAFE_METHODS
    backoff = _BACKOFF * 2**attempt * random.uniform(0.75, 1.25)
    if isinstance(error, ConnectionError):
        return backoff if safe else None
    if error.status not in (429, 503) or error.code in ("PANICKED", "ISOLATION_UNAVAILABLE"):
        return None
    if safe:
        delay = error.retry_after if error.retry_after is not None else backoff
    elif error.code in _NOTHING_WAS_RUN and error.retry_after is not None:
        delay = error.retry_after
    else:
        return None
    return delay if delay <= _RETRY_WAIT_MAX else None


def answer_time(timeout: Optional[float]) -> Optional[float]:
    """How long to wait for the answer of a run, whose time the server bounds."""
    return None if timeout is None else timeout + WAIT


def defined(**fields: Any) -> Json:
    """Without the fields that are None, as the server refuses what it does not know."""
    return {name: value for name, value in fields.items() if value is not None}


def execute_body(code: str, session_id: Optional[str], options: Mapping[str, Any]) -> Json:
    """The body of POST /execute. Options have the names of the wire."""
    if not isinstance(code, str):
        raise invalid(f"code must be a string, and is {type(code).__name__}.")
    given = dict(options)
    files = given.pop("files", None)
    return defined(
        code=code,
        session_id=session_id,
        files=None if files is None else input_files(files),
        **given,
    )


def input_files(files: Any) -> Any:
    """Files to put in place first: ``{path: text, bytes, Path or DataFrame}``, or the wire's list."""
    from ._content import input_file

    if not isinstance(files, Mapping):
        return list(files)
    return [input_file(clean_path(path), content) for path, content in files.items()]


def input_body(answer: Union[str, bytes, None]) -> Json:
    """What ``input()`` is given: a line as str, standard input as bytes, or its end as None."""
    if answer is None:
        return {"eof": True}
    if isinstance(answer, str):
        return {"text": answer}
    from base64 import b64encode

    return {"data": b64encode(answer).decode(), "encoding": "base64"}


def checked_session_id(session_id: str) -> str:
    """Checked here as well as by the server, since ``..`` would lead to another route."""
    known = isinstance(session_id, str) and re.fullmatch(r"[A-Za-z0-9._:@-]{1,128}", session_id)
    if known and session_id not in (".", ".."):
        return session_id
    raise invalid(
        f"This is no name for a session: {session_id!r}.",
        "Use 1 to 128 characters of A-Za-z0-9._:@-",
    )


def checked_execution_id(execution_id: int) -> int:
    if isinstance(execution_id, int) and execution_id > 0:
        return execution_id
    raise invalid(f"No execution has the number {execution_id!r}.")


def clean_path(path: Any) -> str:
    """Relative to the workspace, without ``.`` and empty parts; ``..`` would lead to another route."""
    text = str(path)
    inside = "" if text == "/workspace" else text
    if inside.startswith("/workspace/"):
        inside = inside[len("/workspace/") :]
    parts = [part for part in inside.split("/") if part not in ("", ".")]
    if inside.startswith("/") or ".." in parts:
        raise invalid(
            f"This path leaves the workspace: {text}",
            "Paths are relative to /workspace, such as data/a.csv.",
        )
    return "/".join(parts)


def encoded(name: str) -> str:
    """A name as part of a path; slashes stay."""
    try:
        return quote(name, safe="/")
    except UnicodeEncodeError:
        raise invalid("This path is not valid Unicode.") from None


def split_items(
    items: List[Json], items_max: int, bytes_max: int
) -> List[Tuple[int, List[Json]]]:
    """Batches within the bounds of one request: the index of the first item, and the items."""
    import json

    batches: List[Tuple[int, List[Json]]] = []
    current: List[Json] = []
    start = size = 0
    for index, item in enumerate(items):
        length = len(json.dumps(item))
        if current and (len(current) == items_max or size + length > bytes_max):
            batches.append((start, current))
            start, current, size = index, [], 0
        current.append(item)
        size += length
    return [*batches, (start, current)] if current else batches
