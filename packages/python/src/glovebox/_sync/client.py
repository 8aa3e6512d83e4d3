# Made of _async/client.py by tools/make_sync.py.
"""The client: one server, one token."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Union

from .._batch import BATCH_BYTES_MAX, BATCH_ITEMS_MAX, Progress, batch_body, batch_item
from .._requests import (
    Request,
    answer_time,
    checked_session_id,
    defined,
    execute_body,
    split_items,
)
from .._settings import read_settings
from ..results import Answer, Batch, BatchItem, Result
from .admin import Admin
from .runs import InputCallback, stream_run
from .session import Session
from .streams import Stream
from .transport import Transport

if TYPE_CHECKING:
    import httpx


class Client:
    """A server, found by ``base_url`` and ``token``, else by ``GLOVEBOX_URL``, ``GLOVEBOX_TOKEN`` and
    ``GLOVEBOX_TOKEN_FILE`` of the environment, else at ``http://127.0.0.1:8000``.

    ``timeout`` is in seconds and for the answer to one request; runs and transfers have their own.
    ``retries`` is how often a request is repeated where nothing can run twice. ``http`` is a client
    of httpx to use, for proxies or certificates of your own; it stays yours to close.
    """

    admin: Admin

    def __init__(
        self,
        base_url: Optional[str] = None,
        token: Optional[str] = None,
        *,
        timeout: float = 30.0,
        retries: int = 2,
        http: Optional["httpx.Client"] = None,
    ) -> None:
        self._settings = read_settings(base_url, token, timeout, retries)
        self._transport = Transport(self._settings, http)
        self.admin = Admin(self._transport)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._settings.base_url}>"

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        self._transport.close()

    def execute(
        self,
        code: str,
        *,
        session_id: Optional[str] = None,
        timeout: Optional[float] = None,
        **options: Any,
    ) -> Result:
        """Run code and wait for all it produced: in a fresh sandbox, or in the session of this name.

        Options as for ``Session.execute``. Code that fails is an answer, and no error.
        """
        if session_id is not None:
            return self.session(session_id).execute(code, timeout=timeout, **options)
        body = execute_body(code, None, {"timeout": timeout, **options})
        request = Request("POST", "execute", json=body, timeout=answer_time(timeout))
        return Result(self._transport.json(request))

    run = execute

    def stream(
        self,
        code: str,
        *,
        session_id: Optional[str] = None,
        timeout: Optional[float] = None,
        on_input: Optional[InputCallback] = None,
        **options: Any,
    ) -> Stream[Result]:
        """Run code and see what happens while it happens; see ``Session.stream``."""
        if session_id is not None:
            checked_session_id(session_id)
        return stream_run(self._transport, code, session_id, timeout, on_input, options)

    def batch(
        self,
        items: Iterable[Union[str, Mapping[str, Any]]],
        *,
        progress: bool = False,
        concurrency: Optional[int] = None,
        stop_on: Optional[str] = None,
        include: Optional[List[str]] = None,
    ) -> Batch:
        """Run many pieces of code, each in a fresh sandbox of its own; results in the same order.

        An item is code, or a dict of ``code``, ``id``, ``stdin``, ``files``, ``include_files``,
        ``timeout``, ``memory_limit``, ``cpu_limit``. There may be any number of items: they are sent
        in as many requests as it takes. ``progress`` shows a bar, by tqdm where it is installed.
        """
        wire = [batch_item(item) for item in items]
        results: Dict[int, BatchItem] = {}
        skipping = False
        with Progress(len(wire) if progress else None) as bar:
            for start, part in split_items(wire, BATCH_ITEMS_MAX, BATCH_BYTES_MAX):
                if skipping:
                    results.update(_skipped(start, part))
                    continue
                body = batch_body(part, concurrency, stop_on, include)
                with self._batch_stream(body) as events:
                    for event in events:
                        if event.type == "item":
                            at = start + int(event.data["index"])
                            results[at] = BatchItem({**event.data, "index": at})
                            bar.step(results[at].ok)
                skipping = stop_on == "error" and not all(one.ok for one in results.values())
        return Batch([results[index] for index in range(len(wire))])

    def stream_batch(
        self,
        items: Iterable[Union[str, Mapping[str, Any]]],
        *,
        concurrency: Optional[int] = None,
        stop_on: Optional[str] = None,
        include: Optional[List[str]] = None,
    ) -> Stream[Answer]:
        """One batch of 1000 items at most, with an event ``item`` for each as it ends."""
        wire = [batch_item(item) for item in items]
        return self._batch_stream(batch_body(wire, concurrency, stop_on, include))

    def _batch_stream(self, body: Dict[str, Any]) -> Stream[Answer]:
        return Stream(
            self._transport,
            Request("POST", "execute/batch", json=body),
            names=frozenset({"item", "result"}),
            make_result=Answer,
        )

    def generate(
        self,
        query: str,
        *,
        session_id: Optional[str] = None,
        timeout: Optional[float] = None,
        max_attempts: Optional[int] = None,
        check: Optional[bool] = None,
        **options: Any,
    ) -> Result:
        """Let the server's model write code for a question, run it, and repair it while it fails."""
        given = defined(
            query=query,
            session_id=None if session_id is None else checked_session_id(session_id),
            timeout=timeout,
            max_attempts=max_attempts,
            check=check,
            **options,
        )
        request = Request("POST", "generate-and-execute", json=given, timeout=None)
        return Result(self._transport.json(request))

    def ask(self, message: str, *, session_id: Optional[str] = None, **options: Any) -> Answer:
        """Let the server's model answer, working in a session by tools; ``text`` is what it says.

        Options are the fields of POST /api/chat, such as ``max_steps`` and ``timeout``.
        """
        given = defined(message=message, session_id=session_id, stream=False, **options)
        return Answer(self._transport.json(Request("POST", "api/chat", json=given, timeout=None)))

    def tools(self) -> Answer:
        """Definitions of tools for a language model of your own, and which route answers their calls."""
        return Answer(self._transport.json(Request("GET", "tools")))

    def session(self, session_id: Optional[str] = None) -> Session:
        """The session of this name, default a random one; the server makes it on first use.

        As a context manager it ends with its block.
        """
        return Session(self._transport, session_id or uuid.uuid4().hex[:24])

    def create_session(
        self,
        session_id: Optional[str] = None,
        *,
        memory_limit: Union[str, int, None] = None,
        cpu_limit: Optional[float] = None,
        ttl: Optional[float] = None,
        mounts: Optional[List[str]] = None,
        packages: Optional[List[str]] = None,
    ) -> Session:
        """Make a session now, with limits of its own. ``ttl``: seconds it lives without use."""
        limits = defined(memory_limit=memory_limit, cpu_limit=cpu_limit)
        body = defined(
            session_id=None if session_id is None else checked_session_id(session_id),
            limits=limits or None,
            ttl=ttl,
            mounts=mounts,
            packages=packages,
        )
        # The server bounds the wait for a sandbox; packages take what they take.
        request = Request("POST", "sessions", json=body, timeout=None if packages else answer_time(30))
        return Session(self._transport, (self._transport.json(request))["session_id"])

    def sessions(self) -> List[Answer]:
        """The sessions of this token."""
        told = self._transport.json(Request("GET", "sessions"))
        return [Answer(one) for one in told["sessions"]]

    def health(self) -> Answer:
        """Whether the server answers. Needs no token."""
        accept = frozenset({503})
        return Answer(self._transport.json(Request("GET", "health", accept=accept)))


def _skipped(start: int, part: List[Dict[str, Any]]) -> Dict[int, BatchItem]:
    fields = {"state": "skipped", "result": None, "error": None}
    return {
        start + at: BatchItem({"index": start + at, "id": item.get("id"), **fields})
        for at, item in enumerate(part)
    }
