"""Which files a cell has created or changed, by looking at /workspace before and after it."""

import os

# Beyond this many entries looking would cost more than it tells.
_ENTRIES_MAX = 5000
_IGNORED = frozenset({"__pycache__", ".ipynb_checkpoints"})

Snapshot = dict[str, tuple[int, int, int]]


class Observer:
    """Remembers what was there, and tells what has changed since."""

    def __init__(self, root: str):
        self._root = root
        self._mtime_ns = 0
        self._seen: Snapshot = {}

    def changes(self) -> tuple[list[str], list[str]]:
        """(created, modified) since the last call, each sorted."""
        try:
            mtime_ns = os.stat(self._root).st_mtime_ns
        except OSError:
            return [], []
        # Most sessions have no files at all, and an empty directory that was not written to is
        # still empty.
        if mtime_ns == self._mtime_ns and not self._seen:
            return [], []
        try:
            is_empty = not os.listdir(self._root)
        except OSError:
            return [], []  # User code took the right to look away, or holds every descriptor.
        before, self._seen = self._seen, snapshot(self._root)
        if max(len(before), len(self._seen)) >= _ENTRIES_MAX:
            return [], []  # Not all was seen, so nothing can be told by comparing.
        # Subdirectories change without their parents, so only an empty tree may be skipped.
        self._mtime_ns = mtime_ns if is_empty else 0
        return compare(before, self._seen)


def snapshot(root: str) -> Snapshot:
    """Relative path -> (mtime in ns, size, inode) of every file. Links are not followed."""
    found: Snapshot = {}
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(f"{root}/{prefix}") as entries:
                for entry in entries:
                    if len(found) >= _ENTRIES_MAX:
                        return found
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in _IGNORED:
                            pending.append(f"{prefix}{entry.name}/")
                        continue
                    status = entry.stat(follow_symlinks=False)
                    found[prefix + entry.name] = (
                        status.st_mtime_ns,
                        status.st_size,
                        status.st_ino,
                    )
        except OSError:
            continue  # Removed while looking, or made unreadable by the user.
    return found


def compare(before: Snapshot, after: Snapshot) -> tuple[list[str], list[str]]:
    """(created, modified), each sorted."""
    if before == after:
        return [], []
    created = sorted(after.keys() - before.keys())
    modified = sorted(path for path, seen in after.items() if before.get(path, seen) != seen)
    return created, modified


_NAMES_MAX = 20
_NAME_CHARACTERS_MAX = 200


def names_in(folder: str) -> list[str]:
    """The first names, for a hint to who looks for another one."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name for name in names if len(name) <= _NAME_CHARACTERS_MAX][:_NAMES_MAX]
