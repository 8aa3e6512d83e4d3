"""What all adapters do: run what a model wrote in one session, and tell it what came of it."""

from __future__ import annotations

import uuid
from typing import Any, Optional

from .._async.client import AsyncClient
from .._sync.client import Client
from ..results import Result
from ..tool import code_interpreter_definition, code_interpreter_tool, run_code_interpreter

NAME: str = code_interpreter_definition["name"]
DESCRIPTION: str = code_interpreter_definition["description"]
PARAMETERS: Any = code_interpreter_definition["parameters"]


class Runner:
    """One session, by default one of its own, on the server that ``base_url`` and ``token`` or the
    environment name. Each call has a connection of its own, as event loops can share none."""

    def __init__(
        self,
        session_id: Optional[str] = None,
        timeout: Optional[float] = None,
        base_url: Optional[str] = None,
        token: Optional[str] = None,
    ) -> None:
        self.session_id = session_id or f"agent-{uuid.uuid4().hex[:20]}"
        self._timeout = timeout
        self._server = (base_url, token)
        # What is wrong with them is told here, and not to a model.
        Client(base_url, token)

    def run(self, code: str, timeout: Optional[float] = None) -> Result:
        timeout = timeout if timeout is not None else self._timeout
        with Client(*self._server) as client:
            return run_code_interpreter(code, self.session_id, timeout, client=client)

    async def arun(self, code: str, timeout: Optional[float] = None) -> Result:
        timeout = timeout if timeout is not None else self._timeout
        async with AsyncClient(*self._server) as client:
            return await code_interpreter_tool(code, self.session_id, timeout, client=client)

    async def aend(self) -> None:
        """End the session; it would end by itself after its idle time."""
        async with AsyncClient(*self._server) as client:
            await client.session(self.session_id).release()
