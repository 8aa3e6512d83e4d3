"""Control groups of version 1: a hierarchy for each controller."""

import os
import signal

from _glovebox.keeper.cgroups import files
from _glovebox.keeper.cgroups.contract import CgroupsUnavailable

_UNLIMITED = "-1"
_SOCKET_BYTES_MAX = 32 << 20
# A sandbox has few processes, and those that are stopped fork no more.
_FREEZE_ROUNDS_MAX = 50
# Against 1024, which every other group has.
_CPU_SHARES = 512


class Version1:
    def __init__(self, instance: str, controllers: dict[str, str]):
        missing = [name for name in ("memory", "cpu", "cpuacct", "pids") if name not in controllers]
        if missing:
            raise CgroupsUnavailable(f"cgroup v1 controllers not mounted: {', '.join(missing)}")
        self._bases = {
            name: f"{controllers[name]}/glovebox/{instance}"
            for name in ("memory", "pids", "cpu", "cpuacct")
        }
        for base in self._bases.values():
            os.makedirs(base, exist_ok=True)
        files.write(f"{os.path.dirname(self._bases['cpu'])}/cpu.shares", str(_CPU_SHARES))
        self._limit_memory(os.path.dirname(self._bases["memory"]), files.memory_for_all())

    def _path(self, controller: str, name: str) -> str:
        return f"{self._bases[controller]}/{name}"

    def names(self) -> set[str]:
        return {
            entry.name
            for base in self._bases.values()
            for entry in os.scandir(base)
            if entry.is_dir()
        }

    def create(self, name: str) -> None:
        for base in set(self._bases.values()):
            os.mkdir(f"{base}/{name}")

    def set_memory(self, name: str, limit_bytes: int) -> None:
        group = self._path("memory", name)
        sockets = f"{group}/memory.kmem.tcp.limit_in_bytes"
        if os.path.exists(sockets):  # Version 1 counts what waits in sockets apart.
            files.write(sockets, str(min(limit_bytes // 8, _SOCKET_BYTES_MAX)))
        self._limit_memory(group, limit_bytes)

    @staticmethod
    def _limit_memory(group: str, limit_bytes: int) -> None:
        swap = f"{group}/memory.memsw.limit_in_bytes"
        current = int(files.read(f"{group}/memory.limit_in_bytes"))
        # The limit with swap may never be below the one without, so the order depends on the direction.
        limits = [f"{group}/memory.limit_in_bytes", swap]
        for limit in reversed(limits) if limit_bytes > current else limits:
            if limit != swap or os.path.exists(swap):
                files.write(limit, str(limit_bytes))

    def set_cpu(self, name: str, cores: float) -> None:
        group = self._path("cpu", name)
        quota_us = int(cores * files.PERIOD_US)
        burst = f"{group}/cpu.cfs_burst_us"
        if os.path.exists(burst):
            files.write(burst, "0")
        files.write(f"{group}/cpu.cfs_period_us", str(files.PERIOD_US))
        files.write(f"{group}/cpu.cfs_quota_us", str(quota_us))
        if os.path.exists(burst):
            files.write(burst, str(quota_us))

    def lift_cpu(self, name: str) -> None:
        files.write(f"{self._path('cpu', name)}/cpu.cfs_quota_us", _UNLIMITED)

    def set_processes(self, name: str, count: int) -> None:
        files.write(f"{self._path('pids', name)}/pids.max", str(count))

    def entrances(self, name: str, limited_cpu: bool) -> list[str]:
        groups = {self._path("memory", name), self._path("pids", name)}
        if limited_cpu:
            groups |= {self._path("cpu", name), self._path("cpuacct", name)}
        else:  # No quota, but beside the sandboxes and not beside the service.
            groups.add(self._bases["cpu"])
        return sorted(f"{group}/cgroup.procs" for group in groups)

    def processes(self, name: str) -> list[int]:
        try:
            return [int(pid) for pid in files.read(f"{self._path('memory', name)}/cgroup.procs").split()]
        except FileNotFoundError:
            return []

    def kill(self, name: str) -> None:
        for pid in self.processes(name):
            files.send_signal(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop every process of every sandbox where it stands, by a signal that cannot be blocked or
        handle. What has been forked meanwhile is stopped in the next round; who is stopped forks no
        more, and nobody is left who could send SIGCONT. The freezer of version 1 would take
        milliseconds for each process to enter."""
        stopped: set[int] = set()
        for _ in range(_FREEZE_ROUNDS_MAX):
            fresh = {pid for name in self.names() for pid in self.processes(name)} - stopped
            if not fresh:
                return
            for pid in fresh:
                files.send_signal(pid, signal.SIGSTOP)
            stopped |= fresh

    def thaw(self) -> None:
        """Nothing to do: SIGKILL ends stopped processes."""

    def limits(self, name: str) -> dict[str, float]:
        """What is in force: bytes, a number of processes, cores. Negative means unlimited."""
        memory = self._path("memory", name)
        swap = f"{memory}/memory.memsw.limit_in_bytes"
        cpu = self._path("cpu", name)
        period_us = int(files.read(f"{cpu}/cpu.cfs_period_us"))
        memory_bytes = int(files.read(f"{memory}/memory.limit_in_bytes"))
        if os.path.exists(swap):
            with_swap_bytes = int(files.read(swap))
        else:
            with_swap_bytes = files.UNLIMITED_NUMBER if files.is_there_swap() else memory_bytes
        return {
            "memory_bytes": memory_bytes,
            "memory_and_swap_bytes": with_swap_bytes,
            "processes": files.parse_number(files.read(f"{self._path('pids', name)}/pids.max")),
            "cpu_cores": int(files.read(f"{cpu}/cpu.cfs_quota_us")) / period_us,
        }

    def oom_kills(self, name: str) -> int:
        for line in files.read(f"{self._path('memory', name)}/memory.oom_control").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
        return 0

    def accounting_files(self, name: str) -> dict[str, str]:
        return {
            "cpu": f"{self._path('cpuacct', name)}/cpuacct.usage",
            "memory_peak": f"{self._path('memory', name)}/memory.max_usage_in_bytes",
            "memory_events": f"{self._path('memory', name)}/memory.oom_control",
            "processes_events": f"{self._path('pids', name)}/pids.events",
            "memory_current": f"{self._path('memory', name)}/memory.usage_in_bytes",
            "processes_current": f"{self._path('pids', name)}/pids.current",
            "memory_limit": f"{self._path('memory', name)}/memory.limit_in_bytes",
            "processes_limit": f"{self._path('pids', name)}/pids.max",
        }

    def remove(self, name: str) -> bool:
        return all([files.remove_tree(f"{base}/{name}") for base in set(self._bases.values())])

    def remove_base(self) -> None:
        for base in set(self._bases.values()):
            files.remove_tree(base)
            try:
                os.rmdir(os.path.dirname(base))
            except OSError:
                pass  # Another instance on this host still has its groups there.
