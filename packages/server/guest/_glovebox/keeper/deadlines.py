"""When running code must have ended, whatever becomes of the gateway.

The gateway ends code by timers of its own, and this is what holds while it cannot: it is stuck, or stopped. Before
it has code run it writes the moment at which that must be over into a file that it shares with the keeper, and
a zero when it is. That is one write to memory and no message. A guest has no way to the file.

One double for each slot, in milliseconds of CLOCK_MONOTONIC. The gateway may write anything there, as it
may end any sandbox anyway: what is no passed moment means nothing.
"""

import os
import struct
import time
from typing import Iterable

_ENTRY = struct.Struct("<d")


class Deadlines:
    """The file at `path`, which belongs to `owner`. What an earlier keeper has left in it still holds."""

    def __init__(self, path: str, owner: int, slots: int):
        self._bytes = slots * _ENTRY.size
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        os.ftruncate(self._file, self._bytes)
        os.posix_fallocate(self._file, 0, self._bytes)  # Writing must not fail for lack of room.
        os.fchown(self._file, owner, -1)
        self._passed: dict[int, float] = {}

    def clear(self, slot: int) -> None:
        """The slot is given to another sandbox."""
        os.pwrite(self._file, bytes(_ENTRY.size), slot * _ENTRY.size)
        self._passed.pop(slot, None)

    def overdue(self, slots: Iterable[int]) -> list[int]:
        """Those whose moment had passed when this was last asked already. Once is not enough: the
        gateway may be writing, or both processes may have been stopped until just now."""
        if os.fstat(self._file).st_size > self._bytes:
            os.ftruncate(self._file, self._bytes)  # Its room is not the gateway's to fill.
        entries = os.pread(self._file, self._bytes, 0)
        now = time.monotonic() * 1000
        before, self._passed = self._passed, {}
        for slot in slots:
            start = slot * _ENTRY.size
            if start + _ENTRY.size <= len(entries):
                (moment,) = _ENTRY.unpack_from(entries, start)
                if 0 < moment < now:
                    self._passed[slot] = moment
        return [slot for slot, moment in self._passed.items() if before.get(slot) == moment]
