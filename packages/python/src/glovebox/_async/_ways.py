"""All in which the async client differs from the sync one; the rest of that is made of this."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, AsyncIterator, Dict

if TYPE_CHECKING:
    import httpx

_PIECE_BYTES = 1 << 20


def make_http_client(options: Dict[str, Any]) -> "httpx.AsyncClient":
    import httpx

    return httpx.AsyncClient(**options)


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def settled(value: Any) -> Any:
    """What a callback has given, which may be a coroutine."""
    return await value if inspect.isawaitable(value) else value


async def read_pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece


async def write_piece(file: Any, piece: bytes) -> None:
    await asyncio.to_thread(file.write, piece)
