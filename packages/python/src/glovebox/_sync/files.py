# Made of _async/files.py by tools/make_sync.py.
"""The files of a session, by paths relative to its workspace."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Generator, Dict, List, Mapping, Optional, Union

from .._content import FileContent, read_table, to_bytes, whole_bytes
from .._requests import SILENCE_MAX, Request, clean_path, defined, encoded
from .._sse import SseParser
from ..errors import GloveboxError
from ..events import Event
from ..results import Answer
from ._ways import read_pieces, write_piece
from .transport import Transport

#: Seconds without a byte, and a transfer is taken to be broken.
_TRANSFER = 60.0


class Files:
    def __init__(self, transport: Transport, session_path: str) -> None:
        self._transport = transport
        self._session = session_path

    def list(self, path: str = "", *, recursive: bool = False) -> List[Answer]:
        """What lies in a folder: ``name``, ``path``, ``type``, ``size``, ``mtime``; 10000 at most."""
        query = {"path": clean_path(path), "recursive": recursive or None}
        request = Request("GET", self._path(), query=query)
        return [Answer(entry) for entry in (self._transport.json(request))["entries"]]

    def read(self, path: str, *, start: int = 0, end: Optional[int] = None) -> bytes:
        """The bytes of a file, from ``start`` up to, but not including, ``end``."""
        pieces = []
        for piece in self.read_stream(path, start=start, end=end):
            pieces.append(piece)
        return b"".join(pieces)

    def read_text(self, path: str) -> str:
        """A file as text, UTF-8."""
        return (self.read(path)).decode()

    def read_table(self, path: str, **options: Any) -> Any:
        """A .csv, .tsv, .json, .jsonl or .parquet file as a DataFrame; options are those of pandas."""
        return read_table(path, self.read(path), **options)

    def read_stream(
        self, path: str, *, start: int = 0, end: Optional[int] = None
    ) -> Generator[bytes, None, None]:
        """A file as it comes, for what is too large for memory."""
        ranged = start > 0 or end is not None
        last = "" if end is None else end - 1
        headers = {"range": f"bytes={start}-{last}"} if ranged else {}
        request = Request("GET", self._path(path), headers=headers, timeout=_TRANSFER)
        pieces = self._pieces(request)
        try:
            for piece in pieces:
                yield piece
        finally:
            pieces.close()

    def download(self, path: str, to: Union[str, "os.PathLike[str]", None] = None) -> Path:
        """Write a file to this machine: ``to``, or its own name in the current directory.

        A file that is only half there is never seen under its name.
        """
        target = Path(".") if to is None else Path(to)
        if target.is_dir():
            target = target / Path(clean_path(path)).name
        self._save(Request("GET", self._path(path), timeout=_TRANSFER), target)
        return target

    def stat(self, path: str) -> Answer:
        """``size``, ``content_type``, ``etag`` and ``last_modified`` of a file, without its bytes."""
        response = self._transport.open(Request("HEAD", self._path(path)))
        response.close()
        headers = response.headers
        return Answer(
            {
                "size": int(headers.get("content-length", 0)),
                "content_type": headers.get("content-type"),
                "etag": headers.get("etag"),
                "last_modified": headers.get("last-modified"),
            }
        )

    def write(self, path: str, content: FileContent) -> Answer:
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
        return Answer(self._transport.json(request))

    def upload(self, files: Mapping[str, FileContent]) -> List[Answer]:
        """Write several files in one request, by their paths: all or none."""
        parts = []
        for name, content in files.items():
            path = clean_path(name)
            parts.append((path, (path, whole_bytes(path, content))))
        request = Request("POST", self._path(), files=parts, timeout=_TRANSFER)
        return [Answer(one) for one in (self._transport.json(request))["files"]]

    def mkdir(self, path: str) -> None:
        """Make a folder, with those above it."""
        self._transport.done(Request("PUT", self._path(path), query={"type": "directory"}))

    def rename(self, path: str, to: str, *, overwrite: Optional[bool] = None) -> Answer:
        """Rename or move."""
        body = defined(path=clean_path(to), overwrite=overwrite)
        return Answer(self._transport.json(Request("PATCH", self._path(path), json=body)))

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file, or a folder: with ``recursive`` also one that is not empty."""
        query = {"recursive": recursive or None}
        self._transport.done(Request("DELETE", self._path(path), query=query))

    def archive(
        self, to: Union[str, "os.PathLike[str]"], path: str = "", *, format: str = "tar"
    ) -> Path:
        """Write a whole folder to one file of this machine, a tar or a zip.

        Unpack it as you would an archive from somebody else: ``tarfile``'s filter ``data`` helps.
        """
        target = Path(to)
        request = Request("GET", self._path(path), query={"archive": format}, timeout=_TRANSFER)
        self._save(request, target)
        return target

    def watch(self, path: str = "") -> Generator[Event, None, None]:
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
            for piece in pieces:
                for message in parser.push(piece):
                    if message.event in ("change", "truncated"):
                        yield _change(message)
        finally:
            pieces.close()

    def _pieces(self, request: Request) -> Generator[bytes, None, None]:
        response = self._transport.open(request)
        try:
            for piece in response.iter_bytes():
                yield piece
        except (GloveboxError, GeneratorExit):
            raise
        except Exception as error:
            raise self._transport.explained(error) from error
        finally:
            response.close()

    def _save(self, request: Request, target: Path) -> None:
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        pieces = self._pieces(request)
        try:
            with part.open("xb") as file:
                for piece in pieces:
                    write_piece(file, piece)
            part.replace(target)
        finally:
            pieces.close()
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
