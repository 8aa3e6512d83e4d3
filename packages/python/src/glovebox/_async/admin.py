"""What an admin's token opens: what runs, the panic button, keys."""

from __future__ import annotations

from typing import List, Mapping, Optional

from .._requests import SLOW, Request, checked_session_id, defined, encoded
from ..results import Answer
from .transport import AsyncTransport


class AsyncAdmin:
    keys: "AsyncKeys"

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self.keys = AsyncKeys(transport)

    async def status(self) -> Answer:
        """The pool and how many sessions there are."""
        return Answer(await self._transport.json(Request("GET", "status")))

    async def panic(self, reason: Optional[str] = None) -> Answer:
        """End everything now, and let nothing in until ``resume``.

        Look at ``verified``: false means that new work is refused, but not everything could be seen
        to be gone.
        """
        body = defined(reason=reason)
        accept = frozenset({500})
        request = Request(
            "POST", "api/security/panic", json=body, timeout=SLOW, accept=accept
        )
        return Answer(await self._transport.json(request))

    async def resume(self) -> Answer:
        """Verify the isolation, then let work in again."""
        return Answer(
            await self._transport.json(Request("POST", "api/security/resume", timeout=SLOW))
        )

    async def security_health(self) -> Answer:
        """Try every protection on a live sandbox. Look at ``status``: a failure is an answer, too."""
        accept = frozenset({503})
        request = Request("GET", "api/security/health", timeout=SLOW, accept=accept)
        return Answer(await self._transport.json(request))

    async def containers(self) -> List[Answer]:
        """Every sandbox there is, with what it uses now."""
        told = await self._transport.json(Request("GET", "api/security/containers"))
        return [Answer(one) for one in told["containers"]]

    async def kill_container(self, container_id: str) -> Answer:
        """End one sandbox, running code included."""
        path = f"api/security/containers/{encoded(checked_session_id(container_id))}"
        return Answer(await self._transport.json(Request("DELETE", path)))

    async def end_sessions(self, session_id: str) -> Answer:
        """End the sessions of this name, whichever keys they belong to."""
        path = f"api/security/sessions/{encoded(checked_session_id(session_id))}"
        return Answer(await self._transport.json(Request("DELETE", path)))


class AsyncKeys:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self, name: str, *, role: str = "execute", quotas: Optional[Mapping[str, float]] = None
    ) -> Answer:
        """Make a key. Its secret, ``key``, is told this once."""
        body = defined(name=name, role=role, quotas=quotas)
        return Answer(await self._transport.json(Request("POST", "api/keys", json=body)))

    async def list(self) -> List[Answer]:
        """All keys, with what they use."""
        told = await self._transport.json(Request("GET", "api/keys"))
        return [Answer(one) for one in told["keys"]]

    async def revoke(self, key_id: str) -> None:
        """The key is refused at once, and its sessions end."""
        path = f"api/keys/{encoded(checked_session_id(key_id))}"
        await self._transport.done(Request("DELETE", path))
