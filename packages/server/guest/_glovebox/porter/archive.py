"""A folder as one stream, tar or zip, made while it is sent.

The folder is looked at once beforehand, so that what is too large is refused before the first byte. A file
that shrinks while it is read is filled up with zeros, as tar does; of one that grows, the first part is in
the archive.
"""

import os
import stat
import tarfile
import time
import zipfile
from dataclasses import dataclass
from typing import Iterator

from _glovebox.porter import wire
from _glovebox.porter.files import PAUSE, Sent, open_regular
from _glovebox.porter.paths import Refused, absolute, is_directory

_ENTRIES_MAX = 100_000
_PAUSE_ENTRIES = 200
_BLOCK = tarfile.BLOCKSIZE
_ZIP_YEARS = (1980, 2107)
# The fastest: the network is seldom slower than this, and the sandbox's owner waits for it.
_ZIP_LEVEL = 1


@dataclass(frozen=True)
class _Entry:
    path: str  # Relative to the folder.
    status: os.stat_result


class _Sink:
    """What zipfile writes to: a stream that can neither seek nor tell."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def archive(fields: dict) -> Iterator[Sent]:
    root = absolute(fields["path"])
    if not is_directory(root):
        raise Refused("FILE_NOT_FOUND" if not os.path.lexists(root) else "NOT_A_DIRECTORY")
    entries: list[_Entry] = []
    for entry in _walk(root):
        entries.append(entry)
        if len(entries) % _PAUSE_ENTRIES == 0:
            yield PAUSE
    _refuse_what_no_file_system_holds(entries, links_count=fields["format"] == "zip")
    yield wire.HEAD, {}
    make = _tar if fields["format"] == "tar" else _zip
    for data in make(root, entries):
        yield from _cut(data)
    yield wire.END, {}


def _walk(root: str) -> Iterator[_Entry]:
    pending = [""]
    count = 0
    while pending:
        prefix = pending.pop()
        try:
            names = sorted(os.listdir(f"{root}/{prefix}"))
        except OSError:
            if not prefix:
                raise
            continue  # Removed meanwhile, closed by its owner, or too deep to be named.
        below = []
        for name in names:
            count += 1
            if count > _ENTRIES_MAX:
                raise Refused("FILE_TOO_LARGE")
            path = prefix + name
            try:
                status = os.lstat(f"{root}/{path}")
            except OSError:
                continue
            if stat.S_ISDIR(status.st_mode):
                below.append(f"{path}/")
            yield _Entry(path, status)
        pending += reversed(below)


def _refuse_what_no_file_system_holds(entries: list[_Entry], links_count: bool) -> None:
    """A file may be all holes, and in a zip each of its names is a copy: gigabytes out of nothing."""
    space = os.statvfs("/")
    seen: set[int] = set()
    total = 0
    for entry in entries:
        if stat.S_ISREG(entry.status.st_mode) and (links_count or entry.status.st_ino not in seen):
            seen.add(entry.status.st_ino)
            total += entry.status.st_size
    if total > space.f_blocks * space.f_frsize:
        raise Refused("FILE_TOO_LARGE")


def _cut(data: bytes | tuple[wire.Chunk, int]) -> Iterator[Sent]:
    if isinstance(data, tuple):
        yield wire.DATA, data
        return
    for start in range(0, len(data), wire.CHUNK_BYTES_MAX):
        yield wire.DATA, data[start : start + wire.CHUNK_BYTES_MAX]


def _contents(root: str, entry: _Entry) -> Iterator[tuple[wire.Chunk, int]]:
    """Exactly as many bytes as were promised, if it can be read at all."""
    descriptor, _ = open_regular(f"{root}/{entry.path}")
    try:
        chunk = wire.Chunk()
        offset, left = 0, entry.status.st_size
        while left:
            count = chunk.read(descriptor, offset, left)
            if count == 0:
                count = min(left, wire.CHUNK_BYTES_MAX)
                chunk.payload(count)[:] = bytes(count)
            offset += count
            left -= count
            yield chunk, count
    finally:
        os.close(descriptor)


# --- tar --------------------------------------------------------------------------------------


def _tar(root: str, entries: list[_Entry]) -> Iterator[bytes | tuple[wire.Chunk, int]]:
    first_names: dict[int, str] = {}
    for entry in entries:
        info = _tar_header(root, entry, first_names)
        if info is None:
            continue
        contents = None
        if info.isreg():
            contents = _contents(root, entry)
            try:
                first = next(contents, None)
            except (OSError, Refused):
                continue  # It cannot be read, or has become something else.
        header = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        yield header
        if contents is None or first is None:
            continue
        yield first
        yield from contents
        rest = info.size % _BLOCK
        if rest:
            yield bytes(_BLOCK - rest)
    yield bytes(2 * _BLOCK)


def _tar_header(
    root: str, entry: _Entry, first_names: dict[int, str]
) -> tarfile.TarInfo | None:
    """A link is stored as a link, and a second name of a file as one to its first."""
    status = entry.status
    info = tarfile.TarInfo(entry.path)
    info.mode = stat.S_IMODE(status.st_mode) & 0o777
    info.mtime = max(0, int(status.st_mtime))
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type = tarfile.SYMTYPE
        try:
            info.linkname = os.readlink(f"{root}/{entry.path}")
        except OSError:
            return None
    elif not stat.S_ISREG(status.st_mode):
        return None
    elif status.st_ino in first_names:
        info.type = tarfile.LNKTYPE
        info.linkname = first_names[status.st_ino]
    else:
        first_names[status.st_ino] = entry.path
        info.size = status.st_size
    return info


# --- zip --------------------------------------------------------------------------------------


def _zip(root: str, entries: list[_Entry]) -> Iterator[bytes | tuple[wire.Chunk, int]]:
    """Links and special files are left out: zip has no common form for them."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_ZIP_LEVEL) as target:
        for entry in entries:
            mode = entry.status.st_mode
            if stat.S_ISDIR(mode):
                target.writestr(_zip_header(entry, "/"), b"")
            elif stat.S_ISREG(mode):
                contents = _contents(root, entry)
                try:
                    first = next(contents, None)
                except (OSError, Refused):
                    continue
                info = _zip_header(entry, "")
                with target.open(info, "w", force_zip64=True) as file:
                    while first is not None:
                        file.write(first[0].payload(first[1]))
                        yield sink.take()
                        first = next(contents, None)
            yield sink.take()
    yield sink.take()


def _zip_header(entry: _Entry, end: str) -> zipfile.ZipInfo:
    name = entry.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    changed = time.gmtime(max(0, min(entry.status.st_mtime, 4_300_000_000)))
    moment = changed[:6] if changed.tm_year >= _ZIP_YEARS[0] else (_ZIP_YEARS[0], 1, 1, 0, 0, 0)
    if changed.tm_year > _ZIP_YEARS[1]:
        moment = (_ZIP_YEARS[1], 12, 31, 0, 0, 0)
    info = zipfile.ZipInfo(name + end, moment)
    info.compress_type = zipfile.ZIP_DEFLATED
    info._compresslevel = _ZIP_LEVEL
    info.external_attr = (entry.status.st_mode & 0xFFFF) << 16
    info.file_size = entry.status.st_size
    return info
