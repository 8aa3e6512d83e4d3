"""The files of a session, by paths relative to its workspace."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, AsyncGenerator, Dict, List, Mapping, Optional, Union

from .._content import FileContent, read_table, to_bytes, whole_bytes
from .._requests import SILENCE_MAX, Request, clean_path, defined, encoded
from .._sse import SseParser
from ..errors import GloveboxError
from ..events import Event
from ..results import Answer
from ._ways import read_pieces, write_piece
from .transport import AsyncTransport

#: Seconds without a byte, and a transfer is taken to be broken.
_TRANSFER = 60.0


class AsyncFiles:
    def __init__(self, transport: AsyncTransport, session_path: str) -> None:
        self._transport = transport
        self._session = session_path

    async def list(self, path: str = "", *, recursive: bool = False) -> List[Answer]:
        """What lies in a folder: ``name``, ``path``, ``type``, ``size``, ``mtime``; 10000 at most."""
        query = {"path": clean_path(path), "recursive": recursive or None}
        request = Request("GET", self._path(), query=query)
        return [Answer(entry) for entry in (await self._transport.json(request))["entries"]]

    async def read(self, path: str, *, start: int = 0, end: Optional[int] = None) -> bytes:
        """The bytes of a file, from ``start`` up to, but not including, ``end``."""
        pieces = []
        async for piece in self.read_stream(path, start=start, end=end):
            pieces.append(piece)
        return b"".join(pieces)

    async def read_text(self, path: str) -> str:
        """A file as text, UTF-8."""
        return (await self.read(path)).decode()

    async def read_table(self, path: str, **options: Any) -> Any:
        """A .csv, .tsv, .json, .jsonl or .parquet file as a DataFrame; options are those of pandas."""
        return read_table(path, await self.read(path), **options)

    async def read_stream(
        self, path: str, *, start: int = 0, end: Optional[int] = None
    ) -> AsyncGenerator[bytes, None]:
        """A file as it comes, for what is too large for memory."""
        ranged = start > 0 or end is not None
        last = "" if end is None else end - 1
        headers = {"range": f"bytes={start}-{last}"} if ranged else {}
        request = Request("GET", self._path(path), headers=headers, timeout=_TRANSFER)
        pieces = self._pieces(request)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()

    async def download(self, path: str, to: Union[str, "os.PathLike[str]", None] = None) -> Path:
        """Write a file to this machine: ``to``, or its own name in the current directory.

        A file that is only half there is never seen under its name.
        """
        target = Path(".") if to is None else Path(to)
        if target.is_dir():
            target = target / Path(clean_path(path)).name
        await self._save(Request("GET", self._path(path), timeout=_TRANSFER), target)
        return target

    async def stat(self, path: str) -> Answer:
        """``size``, ``content_type``, ``etag`` and ``last_modified`` of a file, without its bytes."""
        response = await self._transport.open(Request("HEAD", self._path(path)))
        await response.aclose()
        headers = response.headers
        return Answer(
            {
                "size": int(headers.get("content-length", 0)),
                "content_type": headers.get("content-type"),
                "etag": headers.get("etag"),
                "last_modified": headers.get("last-modified"),
            }
        )

    async def write(self, path: str, content: FileContent) -> Answer:
        """Write a file as a whole, with the folders above it. Half a file is never visible.

        The content is text, bytes, a ``pathlib.Path`` or an open file of this machine, or a
        DataFrame, which becomes what the end of the path says.
        """
        given = to_bytes(clean_path(path), content)
        headers = {"content-type": "application/octet-stream"}
        body: Any = given
        if isinstance(given, Path):
            headers["content-length"] = str(given.stat().st_size)
            body = read_pieces(given)
        request = Request(
            "PUT",
            self._path(path),
            content=body,
            headers=headers,
            timeout=_TRANSFER,
            once=isinstance(given, Path),
        )
        return Answer(await self._transport.json(request))

    async def upload(self, files: Mapping[str, FileContent]) -> List[Answer]:
        """Write several files in one request, by their paths: all or none."""
        parts = []
        for name, content in files.items():
            path = clean_path(name)
            parts.append((path, (path, whole_bytes(path, content))))
        request = Request("POST", self._path(), files=parts, timeout=_TRANSFER)
        return [Answer(one) for one in (await self._transport.json(request))["files"]]

    async def mkdir(self, path: str) -> None:
        """Make a folder, with those above it."""
        await self._transport.done(Request("PUT", self._path(path), query={"type": "directory"}))

    async def rename(self, path: str, to: str, *, overwrite: Optional[bool] = None) -> Answer:
        """Rename or move."""
        body = defined(path=clean_path(to), overwrite=overwrite)
        return Answer(await self._transport.json(Request("PATCH", self._path(path), json=body)))

    async def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file, or a folder: with ``recursive`` also one that is not empty."""
        query = {"recursive": recursive or None}
        await self._transport.done(Request("DELETE", self._path(path), query=query))

    async def archive(
        self, to: Union[str, "os.PathLike[str]"], path: str = "", *, format: str = "tar"
    ) -> Path:
        """Write a whole folder to one file of this machine, a tar or a zip.

        Unpack it as you would an archive from somebody else: ``tarfile``'s filter ``data`` helps.
        """
        target = Path(to)
        request = Request("GET", self._path(path), query={"archive": format}, timeout=_TRANSFER)
        await self._save(request, target)
        return target

    async def watch(self, path: str = "") -> AsyncGenerator[Event, None]:
        """What changes below a folder, until the iterator is closed: ``change`` and ``truncated``."""
        request = Request(
            "GET",
            f"{self._session}/watch",
            query={"path": clean_path(path)},
            headers={"accept": "text/event-stream"},
            timeout=SILENCE_MAX,
        )
        parser = SseParser()
        pieces = self._pieces(request)
        try:
            async for piece in pieces:
                for message in parser.push(piece):
                    if message.event in ("change", "truncated"):
                        yield _change(message)
        finally:
            await pieces.aclose()

    async def _pieces(self, request: Request) -> AsyncGenerator[bytes, None]:
        response = await self._transport.open(request)
        try:
            async for piece in response.aiter_bytes():
                yield piece
        except (GloveboxError, GeneratorExit):
            raise
        except Exception as error:
            raise self._transport.explained(error) from error
        finally:
            await response.aclose()

    async def _save(self, request: Request, target: Path) -> None:
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        pieces = self._pieces(request)
        try:
            with part.open("xb") as file:
                async for piece in pieces:
                    await write_piece(file, piece)
            part.replace(target)
        finally:
            await pieces.aclose()
            part.unlink(missing_ok=True)

    def _path(self, path: Optional[str] = None) -> str:
        clean = "" if path is None else clean_path(path)
        base = f"{self._session}/files"
        return base if clean == "" else f"{base}/{encoded(clean)}"


def _change(message: Any) -> Event:
    import json

    try:
        data: Dict[str, Any] = json.loads(message.data)
    except ValueError:
        raise GloveboxError("INVALID_RESPONSE", "The data of a change is no JSON.") from None
    return Event(message.event, data, int(message.id) if message.id.isdigit() else None)
