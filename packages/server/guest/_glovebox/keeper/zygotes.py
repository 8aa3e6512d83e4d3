"""All zygotes of a keeper, by what they were made from. Of each template there is one that forks, maybe one
that is to take over from it, and those that have retired and wait for the last of their kernels.

A worn zygote is noticed when a sandbox is made. The next starts beside it and takes over once it has
imported everything, so no session waits. The old one stays for its kernels' exit codes, which only a parent learns.
"""

import selectors
import sys
import time
from typing import Callable

from _glovebox.keeper.zygote_process import DEFAULT_TEMPLATE, Wear, ZygoteProcess
from _glovebox.wire.agreement import EXIT_ISOLATION_UNAVAILABLE

_RESTART_DELAY_S = 0.2
_FAILURES_MAX = 5


class Zygotes:
    """`on_readable` is called with a zygote that has something to say or is gone. `templates` are those
    of which one is to be there at any time."""

    def __init__(
        self,
        wear: Wear,
        selector: selectors.BaseSelector,
        on_readable: Callable[[ZygoteProcess], None],
        templates: tuple[str, ...] = (DEFAULT_TEMPLATE,),
    ):
        self._selector = selector
        self._lines = {
            template: _Line(template, wear, selector, on_readable) for template in templates
        }

    def __contains__(self, zygote: ZygoteProcess) -> bool:
        return zygote in self._lines[zygote.template].all

    def current(self, template: str) -> ZygoteProcess | None:
        """The one that forks, or None while another is being started."""
        return self._lines[template].current

    @property
    def complete(self) -> bool:
        """Whether none is missing."""
        return all(line.current for line in self._lines.values())

    @property
    def ready(self) -> list[ZygoteProcess]:
        """Those that fork and have imported everything."""
        serving = (line.current for line in self._lines.values())
        return [one for one in serving if one and one.ready]

    def with_pid(self, pid: int) -> ZygoteProcess | None:
        everyone = (one for line in self._lines.values() for one in line.all)
        return next((one for one in everyone if one.pid == pid), None)

    def keep_one(self) -> None:
        """Of each template start one where there is none, a moment after the last has died."""
        for line in self._lines.values():
            if line.current is None and line.is_due:
                line.start()

    def replace_worn(self, template: str) -> None:
        """Sessions never wait for it: the old one serves until the new one has imported all."""
        line = self._lines[template]
        worn = line.current and line.current.worn and line.current is line.all[-1]
        if worn and line.is_due:
            line.start()

    def take_over(self, ready: ZygoteProcess) -> None:
        """`ready` has imported everything and forks from now on."""
        line = self._lines[ready.template]
        if line.current and line.current is not ready:
            line.current.retire()
        line.current = ready

    def remove(self, lost: ZygoteProcess) -> bool:
        """End one that is gone or broken. True when it was the one that forks."""
        self._selector.unregister(lost.connection)
        lost.kill()
        return self._lines[lost.template].lose(lost)


class _Line:
    """The zygotes of one template, in the order of their start."""

    def __init__(
        self,
        template: str,
        wear: Wear,
        selector: selectors.BaseSelector,
        on_readable: Callable[[ZygoteProcess], None],
    ):
        self._template = template
        self._wear = wear
        self._selector = selector
        self._on_readable = on_readable
        self._due = 0.0
        self._failures = 0
        self.all: list[ZygoteProcess] = []
        self.current: ZygoteProcess | None = None

    @property
    def is_due(self) -> bool:
        """Whether another may be started."""
        return time.monotonic() >= self._due

    def start(self) -> None:
        """In place of none, or to take over from the present one when it is ready."""
        fresh = ZygoteProcess(self._wear, self._template)
        self.all.append(fresh)
        if self.current is None:
            self.current = fresh
        self._selector.register(
            fresh.connection, selectors.EVENT_READ, lambda: self._on_readable(fresh)
        )

    def lose(self, lost: ZygoteProcess) -> bool:
        """True when it was the one that forks."""
        self.all.remove(lost)
        self._due = time.monotonic() + _RESTART_DELAY_S
        served = lost.ready or any(one.ready for one in self.all)
        self._failures = 0 if served else self._failures + 1
        if self._failures >= _FAILURES_MAX:
            sys.stderr.write("ISOLATION_UNAVAILABLE the zygote dies before it is ready\n")
            sys.exit(EXIT_ISOLATION_UNAVAILABLE)
        if lost is not self.current:
            return False
        # One that was to take over anyway may be on its way.
        self.current = next((one for one in self.all if not one.ready), None)
        return True
