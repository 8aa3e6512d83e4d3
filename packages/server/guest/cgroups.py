"""Control groups of sandboxes, version 1 and version 2.

Each sandbox is one group named after it below `glovebox/<instance>`, so that a keeper that
restarts finds every sandbox by looking, without any memory of its own. Memory and process counts
are limits of the whole sandbox. The CPU quota holds for everything but the warden, which must be able to
answer while user code burns its share. All sandboxes together weigh half of what the service, or any
other such part of the host, weighs when CPU is short, and leave some memory to it.
"""

import errno
import os
import signal
import time

_ROOT = "/sys/fs/cgroup"
_PERIOD_US = 1_000_000
_UNLIMITED = "-1"
_UNLIMITED_NUMBER = -1
_SOCKET_BYTES_MAX = 32 << 20
# A sandbox has few processes, and those that are frozen fork no more.
_FREEZE_ROUNDS_MAX = 50
_FREEZE_PATIENCE_S = 0.1
_NEIGHBOURS = "glovebox-neighbours"
_ROUNDS_MAX = 100
# Against 1024 in version 1 and 100 in version 2, which every other group has.
_CPU_SHARES = 512
_CPU_WEIGHT = 50
# What all sandboxes together leave of the machine's memory: an eighth, within these bounds.
_RESERVE_BYTES_MIN = 256 << 20
_RESERVE_BYTES_MAX = 2 << 30


class CgroupsUnavailable(Exception):
    """The host offers no usable control groups; the message names what is missing."""


def _write(path: str, value: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(value)


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


def _signal(pid: int, number: signal.Signals) -> None:
    if pid <= 0:
        return  # No process that can be named from here, and for kill() a whole group, our own.
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _number(text: str) -> int:
    return _UNLIMITED_NUMBER if text.strip() == "max" else int(text)


def _await_line(path: str, line: str) -> None:
    """Wait until a file has a line. Whoever sleeps inside the kernel freezes late, and cannot run
    user code before; so what takes long is not waited for."""
    deadline = time.monotonic() + _FREEZE_PATIENCE_S
    while line not in _read(path).splitlines() and time.monotonic() < deadline:
        time.sleep(0.001)


def _is_there_swap() -> bool:
    """Whether a sandbox can use swap, where the kernel has no file that limits it."""
    return int(_read("/proc/meminfo").split("SwapTotal:")[1].split()[0]) > 0


def memory_for_all() -> int:
    """What all sandboxes together may use. When they are promised more than there is, memory runs
    out among them, where the kernel picks a guest, and not on the host, where it picks from all."""
    total = int(_read("/proc/meminfo").split("MemTotal:")[1].split()[0]) << 10
    return total - min(max(total // 8, _RESERVE_BYTES_MIN), _RESERVE_BYTES_MAX)


def _mount_points() -> tuple[str | None, dict[str, str]]:
    """The mount point of version 2, and of each version 1 controller."""
    unified = None
    controllers: dict[str, str] = {}
    for line in _read("/proc/self/mounts").splitlines():
        _, where, fstype, options, *_ = line.split()
        if not where.startswith(_ROOT):
            continue
        if fstype == "cgroup2":
            unified = where
        elif fstype == "cgroup":
            for option in options.split(","):
                controllers.setdefault(option, where)
    return unified, controllers


def _remove_tree(path: str) -> bool:
    """rmdir a group and its children. False while a process is still leaving it."""
    try:
        children = [entry.path for entry in os.scandir(path) if entry.is_dir()]
    except FileNotFoundError:
        return True
    gone = all([_remove_tree(child) for child in children])
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return gone


class _Version1:
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
        _write(f"{os.path.dirname(self._bases['cpu'])}/cpu.shares", str(_CPU_SHARES))
        self._limit_memory(os.path.dirname(self._bases["memory"]), memory_for_all())

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
            _write(sockets, str(min(limit_bytes // 8, _SOCKET_BYTES_MAX)))
        self._limit_memory(group, limit_bytes)

    @staticmethod
    def _limit_memory(group: str, limit_bytes: int) -> None:
        swap = f"{group}/memory.memsw.limit_in_bytes"
        current = int(_read(f"{group}/memory.limit_in_bytes"))
        # The limit with swap may never be below the one without, so the order depends on the direction.
        files = [f"{group}/memory.limit_in_bytes", swap]
        for file in reversed(files) if limit_bytes > current else files:
            if file != swap or os.path.exists(swap):
                _write(file, str(limit_bytes))

    def set_cpu(self, name: str, cores: float) -> None:
        group = self._path("cpu", name)
        quota_us = int(cores * _PERIOD_US)
        burst = f"{group}/cpu.cfs_burst_us"
        if os.path.exists(burst):
            _write(burst, "0")
        _write(f"{group}/cpu.cfs_period_us", str(_PERIOD_US))
        _write(f"{group}/cpu.cfs_quota_us", str(quota_us))
        if os.path.exists(burst):
            _write(burst, str(quota_us))

    def lift_cpu(self, name: str) -> None:
        _write(f"{self._path('cpu', name)}/cpu.cfs_quota_us", _UNLIMITED)

    def set_processes(self, name: str, count: int) -> None:
        _write(f"{self._path('pids', name)}/pids.max", str(count))

    def entrances(self, name: str, limited_cpu: bool) -> list[str]:
        groups = {self._path("memory", name), self._path("pids", name)}
        if limited_cpu:
            groups |= {self._path("cpu", name), self._path("cpuacct", name)}
        else:  # No quota, but beside the sandboxes and not beside the service.
            groups.add(self._bases["cpu"])
        return sorted(f"{group}/cgroup.procs" for group in groups)

    def processes(self, name: str) -> list[int]:
        try:
            return [int(pid) for pid in _read(f"{self._path('memory', name)}/cgroup.procs").split()]
        except FileNotFoundError:
            return []

    def kill(self, name: str) -> None:
        for pid in self.processes(name):
            _signal(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop every process of every sandbox where it stands, by a signal that nobody can block or
        handle. What has been forked meanwhile is stopped in the next round; who is stopped forks no
        more, and nobody is left who could send SIGCONT. The freezer of version 1 would take
        milliseconds for each process to enter."""
        stopped: set[int] = set()
        for _ in range(_FREEZE_ROUNDS_MAX):
            fresh = {pid for name in self.names() for pid in self.processes(name)} - stopped
            if not fresh:
                return
            for pid in fresh:
                _signal(pid, signal.SIGSTOP)
            stopped |= fresh

    def thaw(self) -> None:
        """Nothing to do: SIGKILL ends stopped processes."""

    def limits(self, name: str) -> dict[str, float]:
        """What is in force: bytes, a number of processes, cores. Negative means unlimited."""
        memory = self._path("memory", name)
        swap = f"{memory}/memory.memsw.limit_in_bytes"
        cpu = self._path("cpu", name)
        period_us = int(_read(f"{cpu}/cpu.cfs_period_us"))
        memory_bytes = int(_read(f"{memory}/memory.limit_in_bytes"))
        if os.path.exists(swap):
            with_swap_bytes = int(_read(swap))
        else:
            with_swap_bytes = _UNLIMITED_NUMBER if _is_there_swap() else memory_bytes
        return {
            "memory_bytes": memory_bytes,
            "memory_and_swap_bytes": with_swap_bytes,
            "processes": _number(_read(f"{self._path('pids', name)}/pids.max")),
            "cpu_cores": int(_read(f"{cpu}/cpu.cfs_quota_us")) / period_us,
        }

    def oom_kills(self, name: str) -> int:
        for line in _read(f"{self._path('memory', name)}/memory.oom_control").splitlines():
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
        return all([_remove_tree(f"{base}/{name}") for base in set(self._bases.values())])

    def remove_base(self) -> None:
        for base in set(self._bases.values()):
            _remove_tree(base)
            try:
                os.rmdir(os.path.dirname(base))
            except OSError:
                pass  # Another instance on this host still has its groups there.


class _Version2:
    def __init__(self, instance: str, mount_point: str):
        self._base = f"{mount_point}/glovebox/{instance}"
        available = set(_read(f"{mount_point}/cgroup.controllers").split())
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
        _write(f"{mount_point}/glovebox/cpu.weight", str(_CPU_WEIGHT))
        _write(f"{mount_point}/glovebox/memory.max", str(memory_for_all()))
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
            pids = [pid for pid in _read(f"{mount_point}/cgroup.procs").split() if pid != "0"]
            if not pids:
                return
            for pid in pids:
                try:
                    _write(f"{neighbours}/cgroup.procs", pid)
                except ProcessLookupError:
                    pass

    @staticmethod
    def _delegate(group: str) -> None:
        try:
            _write(f"{group}/cgroup.subtree_control", "+memory +cpu +pids")
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
        _write(f"{self._path(name)}/cgroup.subtree_control", "+cpu")
        os.mkdir(f"{self._path(name)}/kernel")
        os.mkdir(f"{self._path(name)}/warden")

    def set_memory(self, name: str, limit_bytes: int) -> None:
        group = self._path(name)
        if int(_read(f"{group}/memory.current")) > limit_bytes:
            self._reclaim_to(group, limit_bytes)
        _write(f"{group}/memory.max", str(limit_bytes))
        swap = f"{group}/memory.swap.max"
        if os.path.exists(swap):
            _write(swap, "0")

    @staticmethod
    def _reclaim_to(group: str, limit_bytes: int) -> None:
        """Version 1 refuses a limit below what is in use, version 2 kills until it is kept. The
        softer limit only reclaims, so it tells beforehand which of the two it would be."""
        _write(f"{group}/memory.high", str(limit_bytes))
        in_use = int(_read(f"{group}/memory.current"))
        _write(f"{group}/memory.high", "max")
        if in_use > limit_bytes:
            raise OSError(errno.EBUSY, f"{in_use} bytes are in use")

    def set_cpu(self, name: str, cores: float) -> None:
        group = f"{self._path(name)}/kernel"
        quota_us = int(cores * _PERIOD_US)
        burst = f"{group}/cpu.max.burst"
        if os.path.exists(burst):
            _write(burst, "0")
        _write(f"{group}/cpu.max", f"{quota_us} {_PERIOD_US}")
        if os.path.exists(burst):
            _write(burst, str(quota_us))

    def lift_cpu(self, name: str) -> None:
        _write(f"{self._path(name)}/kernel/cpu.max", "max")

    def set_processes(self, name: str, count: int) -> None:
        _write(f"{self._path(name)}/pids.max", str(count))

    def entrances(self, name: str, limited_cpu: bool) -> list[str]:
        return [f"{self._path(name)}/{'kernel' if limited_cpu else 'warden'}/cgroup.procs"]

    def processes(self, name: str) -> list[int]:
        pids = []
        for child in ("kernel", "warden"):
            try:
                pids += [int(pid) for pid in _read(f"{self._path(name)}/{child}/cgroup.procs").split()]
            except FileNotFoundError:
                pass
        return pids

    def kill(self, name: str) -> None:
        path = f"{self._path(name)}/cgroup.kill"
        if os.path.exists(path):
            _write(path, "1")
            return
        for pid in self.processes(name):  # Kernels before 5.14.
            _signal(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop every process of every sandbox where it stands."""
        _write(f"{self._base}/cgroup.freeze", "1")
        _await_line(f"{self._base}/cgroup.events", "frozen 1")

    def thaw(self) -> None:
        """Let everything go on."""
        _write(f"{self._base}/cgroup.freeze", "0")

    def limits(self, name: str) -> dict[str, float]:
        """What is in force: bytes, a number of processes, cores. Negative means unlimited."""
        group = self._path(name)
        quota, period_us = _read(f"{group}/kernel/cpu.max").split()
        memory_bytes = _number(_read(f"{group}/memory.max"))
        swap = f"{group}/memory.swap.max"
        if os.path.exists(swap):
            swap_bytes = _number(_read(swap))
        else:
            swap_bytes = _UNLIMITED_NUMBER if _is_there_swap() else 0
        return {
            "memory_bytes": memory_bytes,
            "memory_and_swap_bytes": _UNLIMITED_NUMBER if swap_bytes < 0 else memory_bytes + swap_bytes,
            "processes": _number(_read(f"{group}/pids.max")),
            "cpu_cores": _number(quota) / int(period_us),
        }

    def oom_kills(self, name: str) -> int:
        for line in _read(f"{self._path(name)}/memory.events").splitlines():
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
        return _remove_tree(self._path(name))

    def remove_base(self) -> None:
        _remove_tree(self._base)
        try:
            os.rmdir(os.path.dirname(self._base))
        except OSError:
            pass  # Another instance on this host still has its groups there.


Cgroups = _Version1 | _Version2


def open_cgroups(instance: str) -> Cgroups:
    """The hierarchy that holds the memory controller decides the version.

    Raises CgroupsUnavailable with what is missing.
    """
    unified, controllers = _mount_points()
    if "memory" in controllers:
        return _Version1(instance, controllers)
    if unified:
        return _Version2(instance, unified)
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
