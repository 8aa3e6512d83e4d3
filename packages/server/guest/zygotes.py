"""All zygotes of a keeper: the one that forks, the one that is to take over from it, and those that
have retired and wait for the last of their kernels.

A worn zygote is noticed when a sandbox is made. The next starts beside it and takes over once it has
imported everything, so no session waits. The old one stays for its kernels' exit codes, which only a parent learns.
"""

import selectors
import sys
import time
from typing import Callable

from zygote_process import Wear, ZygoteProcess

_RESTART_DELAY_S = 0.2
_FAILURES_MAX = 5
# Tells the supervisor that another start would end the same.
EXIT_ISOLATION_UNAVAILABLE = 70


class Zygotes:
    """`on_readable` is called with a zygote that has something to say or is gone."""

    def __init__(
        self,
        wear: Wear,
        selector: selectors.BaseSelector,
        on_readable: Callable[[ZygoteProcess], None],
    ):
        self._wear = wear
        self._selector = selector
        self._on_readable = on_readable
        self._all: list[ZygoteProcess] = []
        self._due = 0.0
        self._failures = 0
        self.current: ZygoteProcess | None = None

    def __contains__(self, zygote: ZygoteProcess) -> bool:
        return zygote in self._all

    def with_pid(self, pid: int) -> ZygoteProcess | None:
        return next((one for one in self._all if one.pid == pid), None)

    def keep_one(self) -> None:
        """Start one where there is none, a moment after the last has died."""
        if self.current is None and time.monotonic() >= self._due:
            self._start()

    def replace_worn(self) -> None:
        """Sessions never wait for it: the old one serves until the new one has imported all."""
        worn = self.current and self.current.worn and self.current is self._all[-1]
        if worn and time.monotonic() >= self._due:
            self._start()

    def take_over(self, ready: ZygoteProcess) -> None:
        """`ready` has imported everything and forks from now on."""
        if self.current and self.current is not ready:
            self.current.retire()
        self.current = ready

    def remove(self, lost: ZygoteProcess) -> bool:
        """End one that is gone or broken. True when it was the one that forks."""
        self._all.remove(lost)
        self._selector.unregister(lost.connection)
        lost.kill()
        self._due = time.monotonic() + _RESTART_DELAY_S
        served = lost.ready or any(one.ready for one in self._all)
        self._failures = 0 if served else self._failures + 1
        if self._failures >= _FAILURES_MAX:
            sys.stderr.write("ISOLATION_UNAVAILABLE the zygote dies before it is ready\n")
            sys.exit(EXIT_ISOLATION_UNAVAILABLE)
        if lost is not self.current:
            return False
        # One that was to take over anyway may be on its way.
        self.current = next((one for one in self._all if not one.ready), None)
        return True

    def _start(self) -> None:
        """In place of none, or to take over from the present one when it is ready."""
        fresh = ZygoteProcess(self._wear)
        self._all.append(fresh)
        if self.current is None:
            self.current = fresh
        self._selector.register(
            fresh.connection, selectors.EVENT_READ, lambda: self._on_readable(fresh)
        )
