"""All in which the sync client differs from the async one; the rest of it is made of that."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator

if TYPE_CHECKING:
    import httpx

_PIECE_BYTES = 1 << 20


def make_http_client(options: Dict[str, Any]) -> "httpx.Client":
    import httpx

    return httpx.Client(**options)


def pause(seconds: float) -> None:
    time.sleep(seconds)


def settled(value: Any) -> Any:
    """What a callback has given."""
    return value


def read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def write_piece(file: Any, piece: bytes) -> None:
    file.write(piece)
