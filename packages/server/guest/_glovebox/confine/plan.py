"""What a sandbox is asked to be, and what the steps of its confinement are given.

The gateway sends a plan with every order to make a sandbox. It says how much of what a sandbox gets, and
nothing else: how it is confined is code, in confine/confine.py.
"""

from dataclasses import dataclass, field
from typing import Callable

from _glovebox.confine.folders import Folders, Mounts


class PlanRefused(Exception):
    """The plan holds something that this version does not know or allow."""


@dataclass(frozen=True)
class Plan:
    """What the gateway asks for. Sizes in bytes, cpu_cores a fraction of cores."""

    memory_bytes: int
    cpu_cores: float
    processes: int
    open_files: int
    workspace_bytes: int
    workspace_inodes: int
    tmp_bytes: int
    tmp_inodes: int
    home_bytes: int
    home_inodes: int
    mounts: list[str]  # Names of folders, see confine/folders.py.

    def file_bytes(self, has_writable_folders: bool) -> int:
        """How large a file may claim to be. Holes cost nothing, and whoever reads them reads zeros for hours. Twice
        what could be filled, so that code that fills a place meets the end of that place first."""
        fillable = max(
            self.workspace_bytes, self.tmp_bytes, self.home_bytes, self.memory_bytes
        )
        return max(2 * fillable, _FOLDER_FILE_BYTES if has_writable_folders else 0)

    @staticmethod
    def parse(fields: object, folders: Folders) -> "Plan":
        """Check every field again: the privileged side trusts no other side's checks."""
        if not isinstance(fields, dict) or set(fields) != {*_BOUNDS, "mounts"}:
            raise PlanRefused("the plan does not have exactly the known fields")
        problem = folders.unknown(fields["mounts"])
        if problem:
            raise PlanRefused(problem)
        sizes = {name: checked(name, fields[name]) for name in _BOUNDS}
        return Plan(**sizes, mounts=fields["mounts"])


# A folder of the host's may hold more than a sandbox has memory.
_FOLDER_FILE_BYTES = 1 << 40

_BOUNDS: dict[str, tuple[type, float, float]] = {
    "memory_bytes": (int, 16 << 20, 1 << 40),
    "cpu_cores": (float, 0.01, 1024.0),
    "processes": (int, 2, 32768),
    "open_files": (int, 32, 1 << 20),
    "workspace_bytes": (int, 1 << 20, 1 << 40),
    "workspace_inodes": (int, 64, 1 << 24),
    "tmp_bytes": (int, 1 << 20, 1 << 40),
    "tmp_inodes": (int, 64, 1 << 24),
    "home_bytes": (int, 1 << 20, 1 << 40),
    "home_inodes": (int, 64, 1 << 24),
}


def checked(name: str, value: object) -> int | float:
    """A field of the plan within its bounds, or PlanRefused."""
    kind, low, high = _BOUNDS[name]
    accepted = (int, float) if kind is float else (int,)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise PlanRefused(f"{name} is not a number")
    if not low <= value <= high:
        raise PlanRefused(f"{name} is not between {low} and {high}")
    return kind(value)


@dataclass(frozen=True)
class Context:
    """Everything the steps need, gathered while nothing is confined yet."""

    plan: Plan | None  # None where no step looks at it.
    host_uid: int  # The host's id behind the user's.
    file_bytes: int  # The most that a file may claim to hold.
    hostname: str
    tree: str  # The root file system's name in LAYERS_DIRECTORY.
    keep_descriptors: frozenset[int]
    seccomp_program: bytes
    map_ids: Callable[[], None]  # Blocks until the keeper has written the id maps.
    has_data: bool = False  # Whether there may be folders below /data, now or later.
    mounts: Mounts = field(default_factory=list)
