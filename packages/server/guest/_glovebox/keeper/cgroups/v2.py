"""Control groups of version 2: one hierarchy."""

import errno
import os
import signal

from _glovebox.keeper.cgroups import files
from _glovebox.keeper.cgroups.contract import CgroupsUnavailable

_NEIGHBOURS = "glovebox-neighbours"
_ROUNDS_MAX = 100
# Against 100, which every other group has.
_CPU_WEIGHT = 50


class Version2:
    def __init__(self, instance: str, mount_point: str):
        self._base = f"{mount_point}/glovebox/{instance}"
        available = set(files.read(f"{mount_point}/cgroup.controllers").split())
        missing = {"memory", "cpu", "pids"} - available
        if missing:
            raise CgroupsUnavailable(
                f"cgroup v2 controllers not available: {', '.join(sorted(missing))}"
            )
        os.makedirs(self._base, exist_ok=True)
        if os.path.exists(f"{mount_point}/cgroup.type"):  # The hierarchy's own root has no type.
            self._make_room(mount_point)
        for group in (mount_point, f"{mount_point}/glovebox", self._base):
            self._delegate(group)
        files.write(f"{mount_point}/glovebox/cpu.weight", str(_CPU_WEIGHT))
        files.write(f"{mount_point}/glovebox/memory.max", str(files.memory_for_all()))
        self.thaw()  # An earlier keeper may have ended in between.

    @staticmethod
    def _make_room(mount_point: str) -> None:
        """In a container with a cgroup namespace, the group on top holds the container's processes, and
        a group that holds processes hands no controller down. They move into a group beside ours. What
        one of them forks meanwhile shows in the next round."""
        neighbours = f"{mount_point}/{_NEIGHBOURS}"
        os.makedirs(neighbours, exist_ok=True)
        for _ in range(_ROUNDS_MAX):
            # 0 is a process of a PID namespace that is not ours to see.
            pids = [pid for pid in files.read(f"{mount_point}/cgroup.procs").split() if pid != "0"]
            if not pids:
                return
            for pid in pids:
                try:
                    files.write(f"{neighbours}/cgroup.procs", pid)
                except ProcessLookupError:
                    pass

    @staticmethod
    def _delegate(group: str) -> None:
        try:
            files.write(f"{group}/cgroup.subtree_control", "+memory +cpu +pids")
        except OSError as failure:
            raise CgroupsUnavailable(
                f"cannot hand the memory, cpu and pids controllers down from {group}: "
                f"{failure.strerror}; in a container, /sys/fs/cgroup has to be writable (docker run --privileged)"
            ) from failure

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    def names(self) -> set[str]:
        return {entry.name for entry in os.scandir(self._base) if entry.is_dir()}

    def create(self, name: str) -> None:
        os.mkdir(self._path(name))
        files.write(f"{self._path(name)}/cgroup.subtree_control", "+cpu")
        os.mkdir(f"{self._path(name)}/kernel")
        os.mkdir(f"{self._path(name)}/warden")

    def set_memory(self, name: str, limit_bytes: int) -> None:
        group = self._path(name)
        if int(files.read(f"{group}/memory.current")) > limit_bytes:
            self._reclaim_to(group, limit_bytes)
        files.write(f"{group}/memory.max", str(limit_bytes))
        swap = f"{group}/memory.swap.max"
        if os.path.exists(swap):
            files.write(swap, "0")

    @staticmethod
    def _reclaim_to(group: str, limit_bytes: int) -> None:
        """Version 1 refuses a limit below what is in use, version 2 kills until it is kept. The
        softer limit only reclaims, so it tells beforehand which of the two it would be."""
        files.write(f"{group}/memory.high", str(limit_bytes))
        in_use = int(files.read(f"{group}/memory.current"))
        files.write(f"{group}/memory.high", "max")
        if in_use > limit_bytes:
            raise OSError(errno.EBUSY, f"{in_use} bytes are in use")

    def set_cpu(self, name: str, cores: float) -> None:
        group = f"{self._path(name)}/kernel"
        quota_us = int(cores * files.PERIOD_US)
        burst = f"{group}/cpu.max.burst"
        if os.path.exists(burst):
            files.write(burst, "0")
        files.write(f"{group}/cpu.max", f"{quota_us} {files.PERIOD_US}")
        if os.path.exists(burst):
            files.write(burst, str(quota_us))

    def lift_cpu(self, name: str) -> None:
        files.write(f"{self._path(name)}/kernel/cpu.max", "max")

    def set_processes(self, name: str, count: int) -> None:
        files.write(f"{self._path(name)}/pids.max", str(count))

    def entrances(self, name: str, limited_cpu: bool) -> list[str]:
        return [f"{self._path(name)}/{'kernel' if limited_cpu else 'warden'}/cgroup.procs"]

    def processes(self, name: str) -> list[int]:
        pids = []
        for child in ("kernel", "warden"):
            try:
                pids += [int(pid) for pid in files.read(f"{self._path(name)}/{child}/cgroup.procs").split()]
            except FileNotFoundError:
                pass
        return pids

    def kill(self, name: str) -> None:
        path = f"{self._path(name)}/cgroup.kill"
        if os.path.exists(path):
            files.write(path, "1")
            return
        for pid in self.processes(name):  # Kernels before 5.14.
            files.send_signal(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop every process of every sandbox where it stands."""
        files.write(f"{self._base}/cgroup.freeze", "1")
        files.await_line(f"{self._base}/cgroup.events", "frozen 1")

    def thaw(self) -> None:
        """Let everything go on."""
        files.write(f"{self._base}/cgroup.freeze", "0")

    def limits(self, name: str) -> dict[str, float]:
        """What is in force: bytes, a number of processes, cores. Negative means unlimited."""
        group = self._path(name)
        quota, period_us = files.read(f"{group}/kernel/cpu.max").split()
        memory_bytes = files.parse_number(files.read(f"{group}/memory.max"))
        swap = f"{group}/memory.swap.max"
        if os.path.exists(swap):
            swap_bytes = files.parse_number(files.read(swap))
        else:
            swap_bytes = files.UNLIMITED_NUMBER if files.is_there_swap() else 0
        return {
            "memory_bytes": memory_bytes,
            "memory_and_swap_bytes": files.UNLIMITED_NUMBER if swap_bytes < 0 else memory_bytes + swap_bytes,
            "processes": files.parse_number(files.read(f"{group}/pids.max")),
            "cpu_cores": files.parse_number(quota) / int(period_us),
        }

    def oom_kills(self, name: str) -> int:
        for line in files.read(f"{self._path(name)}/memory.events").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
        return 0

    def accounting_files(self, name: str) -> dict[str, str]:
        peak = f"{self._path(name)}/memory.peak"  # Since Linux 5.19.
        return {
            "cpu": f"{self._path(name)}/kernel/cpu.stat",
            "memory_peak": peak if os.path.exists(peak) else f"{self._path(name)}/memory.current",
            "memory_events": f"{self._path(name)}/memory.events",
            "processes_events": f"{self._path(name)}/pids.events",
            "memory_current": f"{self._path(name)}/memory.current",
            "processes_current": f"{self._path(name)}/pids.current",
            "memory_limit": f"{self._path(name)}/memory.max",
            "processes_limit": f"{self._path(name)}/pids.max",
        }

    def remove(self, name: str) -> bool:
        return files.remove_tree(self._path(name))

    def remove_base(self) -> None:
        files.remove_tree(self._base)
        try:
            os.rmdir(os.path.dirname(self._base))
        except OSError:
            pass  # Another instance on this host still has its groups there.
