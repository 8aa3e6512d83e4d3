"""Control groups of sandboxes, version 1 and version 2.

Each sandbox is one group named after it below `glovebox/<instance>`, so that a keeper that
restarts finds every sandbox by looking, without any memory of its own. Memory and process counts
are limits of the whole sandbox. The CPU quota holds for everything but the warden, which must be able to
answer while user code burns its share. All sandboxes together weigh half of what the service, or any
other such part of the host, weighs when CPU is short, and leave some memory to it.
"""

import time

from _glovebox.keeper.cgroups import files
from _glovebox.keeper.cgroups.contract import Cgroups, CgroupsUnavailable
from _glovebox.keeper.cgroups.v1 import Version1
from _glovebox.keeper.cgroups.v2 import Version2

_ROOT = "/sys/fs/cgroup"


def _mount_points() -> tuple[str | None, dict[str, str]]:
    """The mount point of version 2, and of each version 1 controller."""
    unified = None
    controllers: dict[str, str] = {}
    for line in files.read("/proc/self/mounts").splitlines():
        _, where, fstype, options, *_ = line.split()
        if not where.startswith(_ROOT):
            continue
        if fstype == "cgroup2":
            unified = where
        elif fstype == "cgroup":
            for option in options.split(","):
                controllers.setdefault(option, where)
    return unified, controllers


def open_cgroups(instance: str) -> Cgroups:
    """The hierarchy that holds the memory controller decides the version.

    Raises CgroupsUnavailable with what is missing.
    """
    unified, controllers = _mount_points()
    if "memory" in controllers:
        return Version1(instance, controllers)
    if unified:
        return Version2(instance, unified)
    raise CgroupsUnavailable(f"no cgroup file system is mounted below {_ROOT}")


def reclaim(cgroups: Cgroups, patience_s: float = 5.0) -> int:
    """Kill and remove every sandbox group that an earlier run left. Returns how many there were."""
    names = cgroups.names()
    deadline = time.monotonic() + patience_s
    for name in names:
        cgroups.kill(name)
    while not all([cgroups.remove(name) for name in names]):
        if time.monotonic() > deadline:
            raise CgroupsUnavailable(f"processes of an earlier run do not die: {sorted(names)}")
        for name in names:
            cgroups.kill(name)
        time.sleep(0.01)
    return len(names)
