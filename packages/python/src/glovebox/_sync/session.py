# Made of _async/session.py by tools/make_sync.py.
"""A session of the server: one Python interpreter with its variables and files, by name."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Union

from .._requests import (
    Json,
    Request,
    answer_time,
    checked_execution_id,
    checked_session_id,
    defined,
    encoded,
    execute_body,
    input_body,
)
from ..errors import NotFoundError
from ..results import Answer, Result
from .files import Files
from .runs import InputCallback, follow_run, stream_notebook, stream_run
from .streams import Stream
from .transport import Transport


class Session:
    """Made by ``Client.session`` and ``Client.create_session``. Holds a name, no connection.

    As a context manager it ends with its block.
    """

    id: str
    files: Files

    def __init__(self, transport: Transport, session_id: str) -> None:
        self.id = checked_session_id(session_id)
        self._transport = transport
        self._base = f"sessions/{encoded(self.id)}"
        self.files = Files(transport, self._base)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<Session {self.id}>"

    def execute(
        self, code: str, *, timeout: Optional[float] = None, **options: Any
    ) -> Result:
        """Run code and wait for all it produced. Code that fails is an answer, and no error.

        ``timeout`` is in seconds. Options are the fields of POST /execute: ``memory_limit``,
        ``cpu_limit``, ``files`` (``{path: text, bytes, Path or DataFrame}``), ``include_files``,
        ``stdin``, ``argv``, ``env``, ``validate_code``, ``include``, ``on_disconnect``,
        ``allow_input``.
        """
        body = execute_body(code, self.id, {"timeout": timeout, **options})
        request = Request("POST", "execute", json=body, timeout=answer_time(timeout))
        return Result(self._transport.json(request))

    run = execute

    def stream(
        self,
        code: str,
        *,
        timeout: Optional[float] = None,
        on_input: Optional[InputCallback] = None,
        **options: Any,
    ) -> Stream[Result]:
        """Run code and see what happens while it happens. Options as for ``execute``.

        ``on_input(prompt, password)`` answers ``input()`` and ``getpass()``: a str is a line, bytes
        are a piece of standard input, None is its end. Without it these raise EOFError.
        """
        return stream_run(self._transport, code, self.id, timeout, on_input, options)

    def interrupt(self) -> Answer:
        """KeyboardInterrupt in the code that runs now; variables stay."""
        return Answer(self._post("interrupt"))

    def input(self, answer: Union[str, bytes, None]) -> None:
        """Answer the question that ``input()`` has open, as ``on_input`` does."""
        self._post("input", input_body(answer))

    def executions(self) -> List[Answer]:
        """The runs of this session: waiting, running, and those done that are still kept."""
        return [Answer(one) for one in (self._get("executions"))["executions"]]

    def execution(self, execution_id: int) -> Answer:
        """One run; its ``result`` is None until it is done. Raises ``NotFoundError``."""
        told = self._get(f"executions/{checked_execution_id(execution_id)}")
        result = told["result"]
        return Answer({**told, "result": None if result is None else Result(result)})

    def follow(self, execution_id: int, *, after: int = 0) -> Stream[Result]:
        """The events of a run that was begun by another request, after the one numbered ``after``."""
        return follow_run(self._transport, self.id, checked_execution_id(execution_id), after)

    def cancel(self, execution_id: int) -> None:
        """Take back a run that waits for its turn."""
        path = f"{self._base}/executions/{checked_execution_id(execution_id)}"
        self._transport.done(Request("DELETE", path))

    def complete(self, code: str, cursor_pos: Optional[int] = None) -> Answer:
        """What could stand at the cursor; default the end of the code."""
        return Answer(self._post("complete", defined(code=code, cursor_pos=cursor_pos)))

    def inspect(
        self, code: str, cursor_pos: Optional[int] = None, *, detail_level: Optional[int] = None
    ) -> Answer:
        """What is known about the name at the cursor; at level 1 its source."""
        body = defined(code=code, cursor_pos=cursor_pos, detail_level=detail_level)
        return Answer(self._post("inspect", body))

    def is_complete(self, code: str) -> Answer:
        """Whether the code could run as it is, or a prompt should let go on typing."""
        return Answer(self._post("is_complete", {"code": code}))

    def variables(self, *, limit: Optional[int] = None) -> Answer:
        """The variables of the session: names, types, shapes, sizes, previews."""
        return Answer(self._get("variables", {"limit": limit}))

    def notebook(self) -> Dict[str, Any]:
        """What was run so far as a notebook, nbformat 4.5: ``json.dump`` makes an .ipynb of it."""
        return dict(self._get("notebook"))

    def run_notebook(
        self,
        notebook: Mapping[str, Any],
        *,
        timeout: Optional[float] = None,
        on_error: Optional[str] = None,
    ) -> Answer:
        """Run a notebook cell by cell, and get it back with its outputs, as ``notebook``.

        ``timeout`` is for each cell; ``on_error`` is ``stop`` or ``continue``.
        """
        body = defined(notebook=notebook, timeout=timeout, on_error=on_error)
        request = Request("POST", f"{self._base}/notebook", json=body, timeout=None)
        return Answer(self._transport.json(request))

    def stream_notebook(
        self,
        notebook: Mapping[str, Any],
        *,
        timeout: Optional[float] = None,
        on_error: Optional[str] = None,
        on_input: Optional[InputCallback] = None,
    ) -> Stream[Answer]:
        """The same, while it happens; ``cell`` events tell which cell it is."""
        body = defined(notebook=notebook, timeout=timeout, on_error=on_error)
        return stream_notebook(self._transport, self.id, body, on_input)

    def install_packages(self, packages: List[str]) -> Answer:
        """Install packages from the server's folder of wheels, such as ``["polars==1.0"]``."""
        body = {"packages": list(packages)}
        request = Request("POST", f"{self._base}/packages", json=body, timeout=None)
        return Answer(self._transport.json(request))

    def info(self) -> Answer:
        """State, limits and times. Raises ``NotFoundError`` before its first use and after its end."""
        return Answer(self._transport.json(Request("GET", self._base)))

    def keep_alive(self, *, ttl: Optional[float] = None) -> Answer:
        """As if it had been used now; ``ttl`` changes how many seconds it lives without use."""
        return Answer(self._post("keep-alive", defined(ttl=ttl)))

    def reset(self) -> Answer:
        """A fresh interpreter and an empty workspace under the same name."""
        return Answer(self._post("reset"))

    def conversation(self) -> Answer:
        """What was said in its chat with the server's model."""
        return Answer(self._transport.json(Request("GET", f"api/chat/{encoded(self.id)}")))

    def delete(self) -> None:
        """End it, running code included. Raises ``NotFoundError`` when there is none."""
        self._transport.done(Request("DELETE", self._base))

    def release(self) -> None:
        """End it if it is there. What leaving its block does."""
        try:
            self.delete()
        except NotFoundError:
            pass

    def _get(self, rest: str, query: Optional[Mapping[str, Any]] = None) -> Json:
        path = f"{self._base}/{rest}"
        return self._transport.json(Request("GET", path, query=query or {}))

    def _post(self, rest: str, body: Optional[Json] = None) -> Json:
        return self._transport.json(Request("POST", f"{self._base}/{rest}", json=body))
