"""Runs whose output arrives while it happens."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, Union

from .._requests import Json, Request, encoded, execute_body, input_body
from ..errors import GloveboxError, invalid
from ..events import EXECUTION_EVENTS, Event
from ..results import Answer, Result
from ._ways import settled
from .streams import AsyncStream
from .transport import AsyncTransport

#: Called with the prompt, and whether what is typed should not be shown.
InputCallback = Callable[[str, bool], Union[str, bytes, None, Any]]


def stream_run(
    transport: AsyncTransport,
    code: str,
    session_id: Optional[str],
    timeout: Optional[float],
    on_input: Optional[InputCallback],
    options: Mapping[str, Any],
) -> AsyncStream[Result]:
    if on_input is not None and session_id is None:
        raise invalid(
            "Without a session nobody can answer input().",
            "Use a session: client.create_session().stream(code, on_input=...).",
        )
    # The server would let every stream ask; without a reader, EOFError is better than silence.
    asking = {"allow_input": on_input is not None, **options}
    body = execute_body(code, session_id, {"timeout": timeout, **asking, "stream": True})
    execution_id: Optional[int] = None

    def resume(last_id: int) -> Optional[Request]:
        if options.get("on_disconnect") != "continue" or session_id is None:
            return None
        return None if execution_id is None else _events_request(session_id, execution_id, last_id)

    async def on_event(event: Event) -> None:
        nonlocal execution_id
        if event.type == "execution":
            execution_id = event.data["execution_id"]
        elif event.type == "input_request" and on_input is not None and session_id is not None:
            await answer_input(transport, session_id, on_input, event.data)

    return AsyncStream(
        transport,
        Request("POST", "execute", json=body),
        names=EXECUTION_EVENTS,
        make_result=Result,
        resume=resume,
        on_event=on_event,
    )


def follow_run(
    transport: AsyncTransport, session_id: str, execution_id: int, after: int
) -> AsyncStream[Result]:
    return AsyncStream(
        transport,
        _events_request(session_id, execution_id, after),
        names=EXECUTION_EVENTS,
        make_result=Result,
        resume=lambda last_id: _events_request(session_id, execution_id, max(last_id, after)),
    )


def stream_notebook(
    transport: AsyncTransport, session_id: str, body: Json, on_input: Optional[InputCallback]
) -> AsyncStream[Answer]:
    async def on_event(event: Event) -> None:
        if event.type == "input_request" and on_input is not None:
            await answer_input(transport, session_id, on_input, event.data)

    path = f"sessions/{encoded(session_id)}/notebook"
    return AsyncStream(
        transport,
        Request("POST", path, json={**body, "stream": True}),
        names=EXECUTION_EVENTS | {"cell"},
        make_result=Answer,
        on_event=on_event,
    )


async def answer_input(
    transport: AsyncTransport, session_id: str, on_input: InputCallback, asked: Mapping[str, Any]
) -> None:
    answer = await settled(on_input(asked["prompt"], asked["password"]))
    request = Request("POST", f"sessions/{encoded(session_id)}/input", json=input_body(answer))
    try:
        await transport.done(request)
    except GloveboxError as error:
        # The run was interrupted, or has met its deadline, while the answer was being typed.
        if error.code != "NO_INPUT_REQUESTED":
            raise


def _events_request(session_id: str, execution_id: int, last_id: int) -> Request:
    path = f"sessions/{encoded(session_id)}/executions/{execution_id}/events"
    return Request("GET", path, headers={"last-event-id": str(last_id)} if last_id > 0 else {})
