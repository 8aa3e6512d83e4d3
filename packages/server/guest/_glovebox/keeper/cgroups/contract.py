"""What the keeper can rely on, whichever version of control groups the host has.

A group is named after its sandbox. What fails raises OSError, unless said otherwise.
"""

from typing import Protocol


class CgroupsUnavailable(Exception):
    """The host offers no usable control groups; the message names what is missing."""


class Cgroups(Protocol):
    """All groups of one instance. Sizes in bytes, cores as a fraction of cores."""

    def names(self) -> set[str]:
        """Of every sandbox that has a group, also one that is half made or half removed."""
        ...

    def create(self, name: str) -> None:
        """Make the groups of a sandbox, without limits."""
        ...

    def set_memory(self, name: str, limit_bytes: int) -> None:
        """Refused with EBUSY when more is in use than can be reclaimed."""
        ...

    def set_cpu(self, name: str, cores: float) -> None:
        """The quota of everything but the warden and what is with it."""
        ...

    def lift_cpu(self, name: str) -> None:
        """Take the quota away, so that what was throttled can end."""
        ...

    def set_processes(self, name: str, count: int) -> None:
        """The limit of all its processes and threads."""
        ...

    def entrances(self, name: str, limited_cpu: bool) -> list[str]:
        """Files into which a process writes 0 to enter, with or without the quota."""
        ...

    def processes(self, name: str) -> list[int]:
        """Pids, none when there is no such group."""
        ...

    def kill(self, name: str) -> None:
        """Send SIGKILL to all its processes."""
        ...

    def freeze(self) -> None:
        """Stop every process of every sandbox where it stands."""
        ...

    def thaw(self) -> None:
        """Let everything go on that can."""
        ...

    def limits(self, name: str) -> dict[str, float]:
        """What is in force: bytes, a number of processes, cores. Negative means unlimited."""
        ...

    def oom_kills(self, name: str) -> int:
        """How often memory ran out."""
        ...

    def accounting_files(self, name: str) -> dict[str, str]:
        """Paths that the gateway reads, by what they tell; it writes to `memory_peak`."""
        ...

    def remove(self, name: str) -> bool:
        """Remove the groups of a sandbox. False while a process is still leaving."""
        ...

    def remove_base(self) -> None:
        """Remove what is left when there are no sandboxes any more."""
        ...
