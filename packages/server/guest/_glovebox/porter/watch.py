"""What changed below a folder, told soon after it did.

inotify only says that it is time to look; what has changed is found by comparing two looks. So a lost
event, a folder that was made a moment ago or a flood of changes needs no care: the next look sees what is
there. Looking takes a tenth of the time at most, whatever user code does.
"""

import ctypes
import os
import stat
import time
from typing import Iterator

from _glovebox.porter import wire
from _glovebox.porter.files import Sent
from _glovebox.porter.paths import BATCH_BYTES, Refused, absolute, is_directory, kind_of, shown, weight_of

_ENTRIES_MAX = 5000
_DIRECTORIES_MAX = 1000
_WATCHES_MAX = 8
_GATHER_S = 0.05
_REST_FACTOR = 10
# Where the kernel grants no more watches, it is looked this often.
_POLL_S = 1.0

# IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE; IN_ONLYDIR, IN_DONT_FOLLOW.
_EVENTS = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x1000000 | 0x2000000
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)

# Kind, time, size and inode of every entry by its path.
Look = dict[str, tuple[str, int, int, int]]


def look_at(root: str) -> tuple[Look, list[str]]:
    """Everything below a folder, and the folders in it."""
    found: Look = {}
    directories = [root]
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(f"{root}/{prefix}") as entries:
                for entry in entries:
                    if len(found) >= _ENTRIES_MAX:
                        return found, directories
                    status = entry.stat(follow_symlinks=False)
                    kind = kind_of(status.st_mode)
                    path = prefix + entry.name
                    if stat.S_ISDIR(status.st_mode):
                        found[path] = (kind, 0, 0, status.st_ino)  # Its entries tell for themselves.
                        pending.append(f"{path}/")
                        directories.append(f"{root}/{path}")
                    else:
                        found[path] = (kind, status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            continue  # Removed while looking, or closed by its owner.
    return found, directories


def compare(before: Look, after: Look) -> list[dict]:
    """Changes from one look to the next, in the order of their paths."""
    changes = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        change = "created" if old is None else "deleted" if new is None else "modified"
        kind = (new or old or ("other",))[0]
        changes.append({"path": shown(path), "change": change, "type": kind})
    return changes


def _batches(changes: list[dict]) -> Iterator[list[dict]]:
    batch: list[dict] = []
    weight = 0
    for change in changes:
        batch.append(change)
        weight += weight_of(change["path"])
        if weight >= BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


class Watcher:
    """All watches of a porter. `due` says when to look again."""

    def __init__(self) -> None:
        self.descriptor = -1
        self.due: float | None = None
        self._watches = 0
        self._polling = False
        self._rested = 0.0

    def watch(self, fields: dict) -> Iterator[Sent]:
        root = absolute(fields["path"])
        if not is_directory(root):
            raise Refused("NOT_A_DIRECTORY" if os.path.lexists(root) else "FILE_NOT_FOUND")
        if self._watches >= _WATCHES_MAX:
            raise Refused("TOO_MANY")
        root = root.rstrip("/")
        self._open()
        try:
            seen = self._look(root)
            yield wire.HEAD, {}
            while True:
                yield None
                before, seen = seen, self._look(root)
                whole = max(len(before), len(seen)) < _ENTRIES_MAX
                changes = compare(before, seen) if whole else []
                for batch in _batches(changes):
                    yield wire.ITEM, {"changes": batch}
                if not whole:
                    yield wire.ITEM, {"changes": [], "truncated": True}
        finally:
            self._close()

    def changed(self) -> None:
        """The descriptor was readable: something happened somewhere. The last watch may have ended since."""
        if self.descriptor < 0:
            return
        try:
            os.read(self.descriptor, 65536)
        except BlockingIOError:
            return
        self._plan(_GATHER_S)

    def _plan(self, seconds: float) -> None:
        """Look again so soon, but never so often that looking is all that is done."""
        moment = max(time.monotonic() + seconds, self._rested)
        self.due = moment if self.due is None else min(self.due, moment)

    def looked(self) -> None:
        """Everybody who waits has been woken."""
        self.due = None
        if self._polling:
            self._plan(_POLL_S)

    def _look(self, root: str) -> Look:
        started = time.monotonic()
        found, directories = look_at(root)
        for directory in directories[:_DIRECTORIES_MAX]:
            name = os.fsencode(directory or "/")
            if _libc.inotify_add_watch(self.descriptor, name, _EVENTS) < 0:
                self._polling = self._polling or ctypes.get_errno() == 28  # ENOSPC
        ended = time.monotonic()
        self._rested = ended + _REST_FACTOR * (ended - started)
        if self._polling:
            self._plan(_POLL_S)
        return found

    def _open(self) -> None:
        self._watches += 1
        if self.descriptor < 0:
            self.descriptor = _libc.inotify_init1(_NONBLOCK_CLOEXEC)
            self._polling = self.descriptor < 0

    def _close(self) -> None:
        self._watches -= 1
        if self._watches == 0:
            if self.descriptor >= 0:
                os.close(self.descriptor)
            self.descriptor, self.due, self._polling = -1, None, False
