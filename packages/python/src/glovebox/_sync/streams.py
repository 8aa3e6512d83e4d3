# Made of _async/streams.py by tools/make_sync.py.
"""A request that is answered with events and, last, a result.

Events are read as fast as they are taken, so a slow reader slows its own run and fills no memory. A
stream that broke is taken up again after the last event that arrived, if its run goes on without a
connection; the request that began the run is never sent again.
"""

from __future__ import annotations

import json
from typing import Any, Generator, Callable, Dict, FrozenSet, Generic, Optional, TypeVar

from .._requests import SILENCE_MAX, Request
from .._sse import Message, SseParser
from ..errors import ConnectionError, GloveboxError, TimeoutError, error_of_answer
from ..events import Event
from ._ways import pause
from .transport import Transport

_RESUMES_MAX = 5
_BACKOFF = 0.1

R = TypeVar("R")


class Stream(Generic[R]):
    """An iterator of events, with the ``result()`` beside it.

    Use it as a context manager: leaving the block disconnects, and the server interrupts the run
    unless it was begun with ``on_disconnect="continue"``. The request is sent with the first event
    that is asked for, or with ``result()``.
    """

    def __init__(
        self,
        transport: Transport,
        request: Request,
        *,
        names: FrozenSet[str],
        make_result: Callable[[Dict[str, Any]], R],
        resume: Callable[[int], Optional[Request]] = lambda last_id: None,
        on_event: Optional[Callable[[Event], Any]] = None,
    ) -> None:
        self._transport = transport
        self._request = request
        self._names = names
        self._make_result = make_result
        self._resume = resume
        self._on_event = on_event
        self._last_id = 0
        self._resumes_left = _RESUMES_MAX
        self._result: Optional[R] = None
        self._error: Optional[BaseException] = None
        self._events = self._all_events()

    def __iter__(self) -> "Stream[R]":
        return self

    def __next__(self) -> Event:
        return self._events.__next__()

    def __enter__(self) -> "Stream[R]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect, if there is anything left to come."""
        self._events.close()

    def result(self) -> R:
        """Read what is left, and give the result. Raises what ended the stream instead."""
        for _ in self:
            pass
        if self._result is not None:
            return self._result
        if self._error is not None:
            raise self._error
        raise GloveboxError("STREAM_CLOSED", "The stream was left before its result.")

    def _all_events(self) -> Generator[Event, None, None]:
        request: Optional[Request] = self._request
        try:
            while request is not None:
                events = self._connection(request)
                try:
                    for event in events:
                        yield event
                    return
                except Exception as error:
                    if self._result is not None:
                        return
                    told = self._told(error)
                    request = self._next_request(told)
                    if request is None:
                        raise told from error
                finally:
                    # A generator that is left is closed at some later time.
                    events.close()
                pause(_BACKOFF * 2 ** (_RESUMES_MAX - self._resumes_left - 1))
        except Exception as error:
            self._error = error
            raise

    def _connection(self, request: Request) -> Generator[Event, None, None]:
        parser = SseParser()
        response = self._transport.open(_as_stream(request))
        try:
            _check(response)
            for piece in response.iter_bytes():
                for message in parser.push(piece):
                    # Read to its end, a connection can be used again.
                    event = self._taken(message) if self._result is None else None
                    if event is not None and self._on_event is not None:
                        self._on_event(event)
                    if event is not None:
                        yield event
        finally:
            response.close()
        if self._result is None:
            raise _broken("it ended before the result")

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, GloveboxError):
            return error
        explained = self._transport.explained(error)
        if isinstance(explained, (ConnectionError, TimeoutError)):
            return _broken(explained.message.rstrip("."))
        return explained

    def _taken(self, message: Message) -> Optional[Event]:
        event_id = int(message.id) if message.id.isdigit() else None
        # Sent again by a server that begins a little early.
        if event_id is not None and event_id <= self._last_id:
            return None
        if event_id is not None:
            self._last_id = event_id
        self._resumes_left = _RESUMES_MAX
        data = _parsed(message)
        if message.event == "failure":
            raise error_of_answer(data, None)
        if message.event not in self._names:
            return None
        if message.event != "result":
            return Event(message.event, data, event_id)
        self._result = self._make_result(data)
        return Event("result", self._result, event_id)

    def _next_request(self, error: Exception) -> Optional[Request]:
        """How to go on after an error: not at all, where it is no broken connection."""
        if self._result is not None or not _is_broken(error) or self._resumes_left == 0:
            return None
        self._resumes_left -= 1
        return self._resume(self._last_id)


def _as_stream(request: Request) -> Request:
    from dataclasses import replace

    headers = {**request.headers, "accept": "text/event-stream"}
    return replace(request, headers=headers, timeout=SILENCE_MAX)


def _parsed(message: Message) -> Dict[str, Any]:
    try:
        data = json.loads(message.data)
    except ValueError:
        data = None
    if isinstance(data, dict):
        return data
    raise GloveboxError(
        "INVALID_RESPONSE", f"The data of an event {message.event[:50]!r} is no JSON object."
    )


def _is_broken(error: Exception) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError))


def _check(response: Any) -> None:
    if response.status_code == 204:
        raise GloveboxError(
            "STREAM_CLOSED", "The run is over, and nothing came after that event.", status=204
        )
    if not str(response.headers.get("content-type", "")).startswith("text/event-stream"):
        raise GloveboxError(
            "INVALID_RESPONSE",
            f"The answer, HTTP {response.status_code}, is no event stream.",
            hint="Check base_url, and what stands between this program and the server.",
        )


def _broken(how: str) -> ConnectionError:
    return ConnectionError(
        "CONNECTION_FAILED",
        f"The stream of events broke: {how}.",
        hint='What was run may have happened. In a session, on_disconnect="continue" lets a run '
        "go on and its stream be taken up again.",
    )
