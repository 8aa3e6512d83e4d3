"""What a porter does with files. Each request is a generator: what it yields is sent as soon as there is
credit, and others are served in between. Nothing here trusts that a file stays what it was a moment ago.

An upload goes to a file without a name (O_TMPFILE), which is gone with the porter. It is linked when it is whole,
or exchanged with the file that it replaces, which can be undone until all files of the upload are in place.
"""

import errno
import os
import stat
from typing import Callable, Iterator

from _glovebox.confine import linux
from _glovebox.porter import wire
from _glovebox.porter.paths import BATCH_BYTES, Refused, absolute, describe, is_directory, shown, weight_of
from _glovebox.porter.steps import LINKS_DESCRIPTOR

# The kind of a frame and its content. None waits for the gateway's next word, or for a change.
Sent = tuple[int, object] | None
# Sends nothing, and lets others be served.
PAUSE: Sent = (0, None)

_PAUSE_ENTRIES = 200
# Of the paths of a list, as they are shown: thousands of the longest would be an answer of hundreds of MB.
_LISTED_CHARACTERS_MAX = 1_000_000
_REMOVALS_MAX = 2_000_000
_FILES_OF_A_WRITE_MAX = 1000
_TEMPORARY = ".glovebox-"


def _temporary_beside(path: str) -> str:
    return f"{os.path.dirname(path).rstrip('/')}/{_TEMPORARY}{os.urandom(8).hex()}"


def _make_parents(path: str) -> Iterator[str]:
    """Make the directories that lead to a path, the first on top. Yields each that was not there."""
    missing = []
    parent = os.path.dirname(path)
    while parent != "/" and not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    for directory in reversed(missing):
        try:
            os.mkdir(directory, 0o755)
        except FileExistsError as failure:
            if os.path.isdir(directory):
                continue
            raise Refused("NOT_A_DIRECTORY") from failure
        yield directory


# --- looking ----------------------------------------------------------------------------------


def list_directory(fields: dict) -> Iterator[Sent]:
    """Entries of a directory, or of everything below it, in the order of their names."""
    left = int(fields["entries_max"])
    characters_left = _LISTED_CHARACTERS_MAX
    root = absolute(fields["path"])
    pending = [""]
    full = too_deep = False
    batch: list[dict] = []
    weight = 0
    while pending and not full:
        prefix = pending.pop()
        entries = []
        try:
            with os.scandir(f"{root}/{prefix}") as found:
                for entry in found:
                    if len(entries) >= left:
                        full = True
                        break
                    entries.append(entry)
        except OSError:
            if not prefix:
                raise
            continue  # Removed meanwhile, or closed by its owner.
        left -= len(entries)
        entries.sort(key=lambda entry: entry.name)
        below = []
        for entry in entries:
            try:
                described = describe(entry.stat(follow_symlinks=False))
            except OSError as failure:
                too_deep = too_deep or failure.errno == errno.ENAMETOOLONG
                continue
            path = prefix + entry.name
            characters_left -= len(root) + len(path)
            if characters_left < 0:
                full = True
                break
            if fields["recursive"] and described["type"] == "directory":
                below.append(f"{path}/")
            batch.append({"path": shown(path), **described})
            weight += weight_of(path)
            if weight >= BATCH_BYTES:
                yield wire.ITEM, {"entries": batch}
                batch, weight = [], 0
        pending += reversed(below)
    if batch:
        yield wire.ITEM, {"entries": batch}
    yield wire.END, {"truncated": full or too_deep}


# --- reading ----------------------------------------------------------------------------------


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """A regular file, and what it is now. Opening never waits for the other end of a FIFO."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status
    os.close(descriptor)
    raise Refused("IS_A_DIRECTORY" if stat.S_ISDIR(status.st_mode) else "FILE_ACCESS_DENIED")


def _refuse_holes(status: os.stat_result) -> None:
    """A file that is larger than the file system it lies on is holes, and would be sent for hours."""
    space = os.statvfs("/")
    if status.st_size > space.f_blocks * space.f_frsize:
        raise Refused("FILE_TOO_LARGE")


class FileReader:
    """A file that is open. The gateway is told its size and then names the range that it wants."""

    def __init__(self, fields: dict):
        self._path = absolute(fields["path"])
        self._range: tuple[int, int] | None = None

    def item(self, fields: dict) -> None:
        start, length = int(fields["start"]), int(fields["length"])
        if start < 0 or length < 0:
            raise Refused("INVALID_PATH")
        self._range = (start, length)

    def run(self) -> Iterator[Sent]:
        descriptor, status = open_regular(self._path)
        try:
            _refuse_holes(status)
            version = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
            yield wire.HEAD, {**describe(status), "etag": version}
            while self._range is None:
                yield None
            offset, left = self._range
            chunk = wire.Chunk()
            while left:
                count = chunk.read(descriptor, offset, left)
                if count == 0:  # It has been cut short, and the length has been promised.
                    raise Refused("FILE_CHANGED")
                offset += count
                left -= count
                yield wire.DATA, (chunk, count)
            yield wire.END, {}
        finally:
            os.close(descriptor)


# --- writing ----------------------------------------------------------------------------------


class FileWriter:
    """One file or several that appear together, when the last byte of the last has arrived. Until
    then they have no names: whatever ends the request ends them."""

    def __init__(self, fields: dict):
        self._staged: list[tuple[str, int]] = []
        self._made: list[tuple[str, int, bool]] = []
        self._undo: list[Callable[[], None]] = []
        self._replaced: list[str] = []
        if "path" in fields:
            self.item(fields)

    def item(self, fields: dict) -> None:
        """The bytes that follow belong to this file."""
        path = absolute(fields["path"])
        if path == "/":
            raise Refused("IS_A_DIRECTORY")
        if len(self._staged) >= _FILES_OF_A_WRITE_MAX:
            raise Refused("FILE_TOO_LARGE")
        mode = 0o644
        try:
            present = os.lstat(path)
            if stat.S_ISDIR(present.st_mode):
                raise Refused("IS_A_DIRECTORY")
            if stat.S_ISREG(present.st_mode):
                mode = stat.S_IMODE(present.st_mode) & 0o777
        except FileNotFoundError:
            pass
        space = os.statvfs("/")
        if int(fields.get("size", 0)) > space.f_bavail * space.f_frsize:
            raise Refused("FILE_TOO_LARGE")
        flags = os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC
        self._staged.append((path, os.open("/", flags, mode)))

    def data(self, payload: memoryview) -> None:
        if not self._staged:
            raise Refused("INVALID_PATH")
        descriptor = self._staged[-1][1]
        while payload:
            payload = payload[os.write(descriptor, payload) :]

    def commit(self) -> dict:
        """Give all files their names, or none."""
        try:
            for path, descriptor in self._staged:
                for made in _make_parents(path):
                    self._undo.append(lambda made=made: os.rmdir(made))
                self._place(path, descriptor)
        except BaseException:
            for step in reversed(self._undo):
                try:
                    step()
                except OSError:
                    pass  # User code has moved it meanwhile.
            raise
        for old in self._replaced:
            try:
                os.unlink(old)
            except OSError:
                pass
        return {
            "files": [
                {"path": path[1:], "size": size, "created": created}
                for path, size, created in self._made
            ]
        }

    def _place(self, path: str, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        try:
            self._link(descriptor, path)
            self._undo.append(lambda: os.unlink(path))
            self._made.append((path, size, True))
            return
        except FileExistsError:
            pass
        # What stood there goes on standing there until the whole of the new file does.
        old = _temporary_beside(path)
        self._link(descriptor, old)
        try:
            linux.rename(old, path, linux.RENAME_EXCHANGE)
        except OSError:
            os.unlink(old)
            raise

        def put_back() -> None:
            linux.rename(old, path, linux.RENAME_EXCHANGE)
            os.unlink(old)

        if is_directory(old):  # Made a moment ago, instead of a file.
            put_back()
            raise Refused("IS_A_DIRECTORY")
        self._undo.append(put_back)
        self._replaced.append(old)
        self._made.append((path, size, False))

    @staticmethod
    def _link(descriptor: int, path: str) -> None:
        os.link(str(descriptor), path, src_dir_fd=LINKS_DESCRIPTOR, follow_symlinks=True)

    def close(self) -> None:
        for _, descriptor in self._staged:
            os.close(descriptor)
        self._staged = []


# --- changing names ---------------------------------------------------------------------------


def make_directory(fields: dict) -> Iterator[Sent]:
    path = absolute(fields["path"])
    created = False
    for end in [at for at in range(1, len(path)) if path[at] == "/"] + [len(path)]:
        try:
            os.mkdir(path[:end], 0o755)
            created = True
        except FileExistsError as failure:
            if not os.path.isdir(path[:end]):
                code = "FILE_EXISTS" if end == len(path) else "NOT_A_DIRECTORY"
                raise Refused(code) from failure
    yield wire.END, {"created": created}


def rename(fields: dict) -> Iterator[Sent]:
    source, target = absolute(fields["path"]), absolute(fields["to"])
    if "/" in (source, target):
        raise Refused("INVALID_PATH")
    os.lstat(source)  # No folders are made for what is not there.
    made: list[str] = []
    try:
        for directory in _make_parents(target):
            made.append(directory)
        if fields["overwrite"]:
            os.rename(source, target)
        else:
            linux.rename(source, target, linux.RENAME_NOREPLACE)
    except BaseException:
        for directory in reversed(made):
            try:
                os.rmdir(directory)
            except OSError:
                pass  # User code has put something there meanwhile.
        raise
    yield wire.END, {}


def remove(fields: dict) -> Iterator[Sent]:
    path = absolute(fields["path"])
    if path == "/":
        raise Refused("INVALID_PATH")
    if not is_directory(path):
        os.unlink(path)
    elif not fields["recursive"]:
        os.rmdir(path)
    else:
        for count in _remove_tree(path):
            if count % _PAUSE_ENTRIES == 0:
                yield PAUSE
    yield wire.END, {}


def _remove_tree(root: str) -> Iterator[int]:
    """Remove a tree of any depth: what lies deeper than a path can name is brought up first. Code that
    goes on filling it can only make this give up."""
    count = 0
    pending = [root]
    while pending:
        directory = pending[-1]
        emptied = True
        try:
            with os.scandir(directory) as found:
                for entry in found:
                    count += 1
                    if count > _REMOVALS_MAX:
                        raise Refused("DIRECTORY_NOT_EMPTY")
                    yield count
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    try:
                        os.rmdir(entry.path)
                    except OSError:
                        risen = f"{root}/{_TEMPORARY}{count}"
                        if os.path.dirname(entry.path) != root:
                            os.rename(entry.path, risen)
                            pending.append(risen)
                        else:
                            pending.append(entry.path)
                        emptied = False
        except FileNotFoundError:
            pass
        if emptied:
            try:
                os.rmdir(directory)
            except FileNotFoundError:
                pass
            except OSError as failure:
                if failure.errno != errno.ENOTEMPTY:
                    raise
                count += 1  # Something has appeared in it.
                yield count
                continue
            pending.remove(directory)
