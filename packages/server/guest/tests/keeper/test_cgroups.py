"""Control groups: the choice of the version and the parsing over plain files, and the whole life of
a group in the host's real hierarchy, under an instance name of its own."""

import glob
import inspect
import os
import signal
import time
import unittest
from unittest import mock

from _glovebox.confine import linux
from _glovebox.keeper.cgroups import choice as cgroups, files
from _glovebox.keeper.cgroups.contract import Cgroups
from _glovebox.keeper.cgroups.v1 import Version1
from _glovebox.keeper.cgroups.v2 import Version2
from tests.support import in_child, temporary_directory

MOUNTS_V1 = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""
MOUNTS_V2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"


def real_mounts() -> dict[str, tuple[str, str]]:
    """Where to mount which hierarchy of this host: path -> (type, options)."""
    hierarchies: dict[str, list[str]] = {}
    with open("/proc/cgroups", encoding="ascii") as file:
        for line in file:
            name, hierarchy, *_ = line.split()
            if name in ("memory", "cpu", "cpuacct", "pids"):
                hierarchies.setdefault(hierarchy, []).append(name)
    if "0" in hierarchies or not hierarchies:
        return {"/sys/fs/cgroup": ("cgroup2", "")}
    return {
        f"/sys/fs/cgroup/{','.join(names)}": ("cgroup", ",".join(names))
        for names in hierarchies.values()
    }


def show_real_hierarchy() -> None:
    """Mount the host's control groups, in this process's own mount namespace."""
    os.unshare(os.CLONE_NEWNS)
    linux.mount("tmpfs", "/sys", "tmpfs", 0, "size=64k")
    for path, (fstype, options) in real_mounts().items():
        os.makedirs(path)
        linux.mount("cgroup", path, fstype, 0, options)


def promises(kind: type) -> dict[str, inspect.Signature]:
    """What can be asked of a class, and how."""
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {name: inspect.signature(one) for name, one in methods if not name.startswith("_")}


class ContractTest(unittest.TestCase):
    def test_both_versions_keep_the_contract_and_promise_no_more(self):
        self.assertGreater(len(promises(Cgroups)), 10)
        for version in (Version1, Version2):
            self.assertEqual(promises(version), promises(Cgroups), version)


def is_idle(pid: int) -> bool:
    """Whether a process uses no processor time for a moment."""

    def ticks() -> int:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(0.1)
    return ticks() == before


def cpu_files(groups) -> tuple[list[bool], list[bool]]:
    """Whether a quota holds where a warden enters, for each file that could hold one, and whether
    all the sandboxes together weigh less than an ordinary group."""
    quotas = []
    for entrance in groups.entrances("0001-test", limited_cpu=False):
        for name in ("cpu.cfs_quota_us", "cpu.max"):
            path = f"{os.path.dirname(entrance)}/{name}"
            if os.path.exists(path):
                with open(path, encoding="ascii") as file:
                    quotas.append(not file.read().startswith(("-1", "max")))
    weights = []
    for pattern, ordinary in (("cpu*/glovebox/cpu.shares", 1024), ("glovebox/cpu.weight", 100)):
        for path in sorted({os.path.realpath(one) for one in glob.glob(f"/sys/fs/cgroup/{pattern}")}):
            with open(path, encoding="ascii") as file:
                weights.append(int(file.read()) < ordinary)
    return [quota for quota in quotas if quota], weights


class ChoiceTest(unittest.TestCase):
    def setUp(self):
        self.read = files.read
        self.addCleanup(setattr, files, "read", self.read)

    def mounts(self, text: str):
        files.read = lambda path: text if path == "/proc/self/mounts" else self.read(path)
        return cgroups._mount_points()

    def test_every_controller_of_a_shared_mount_is_found(self):
        unified, controllers = self.mounts(MOUNTS_V1)
        self.assertEqual(unified, "/sys/fs/cgroup/unified")
        self.assertEqual(controllers["cpu"], "/sys/fs/cgroup/cpu,cpuacct")
        self.assertEqual(controllers["cpuacct"], "/sys/fs/cgroup/cpu,cpuacct")
        self.assertEqual(controllers["memory"], "/sys/fs/cgroup/memory")

    def test_version_2_alone_has_no_version_1_controllers(self):
        self.assertEqual(self.mounts(MOUNTS_V2), ("/sys/fs/cgroup", {}))

    def test_mounts_elsewhere_do_not_count(self):
        self.assertEqual(self.mounts("cgroup2 /mnt/cgroup cgroup2 rw 0 0\n"), (None, {}))

    def test_a_host_without_control_groups_is_told_so(self):
        self.mounts("proc /proc proc rw 0 0\n")
        with self.assertRaisesRegex(cgroups.CgroupsUnavailable, "no cgroup file system"):
            cgroups.open_cgroups("x")

    def test_missing_version_1_controllers_are_named(self):
        self.mounts("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n")
        with self.assertRaisesRegex(cgroups.CgroupsUnavailable, "cpu, cpuacct, pids"):
            cgroups.open_cgroups("x")

    def test_missing_version_2_controllers_are_named(self):
        with temporary_directory() as root:
            with open(f"{root}/cgroup.controllers", "w", encoding="ascii") as file:
                file.write("cpuset cpu io\n")
            with self.assertRaisesRegex(cgroups.CgroupsUnavailable, "memory, pids"):
                cgroups.Version2("x", root)


class SignalTest(unittest.TestCase):
    def test_a_process_that_has_no_name_here_is_not_taken_for_a_group_of_processes(self):
        with mock.patch.object(os, "kill") as kill:
            for pid in (0, -1):
                files.send_signal(pid, signal.SIGKILL)
        kill.assert_not_called()


class Version2Test(unittest.TestCase):
    """The files of version 2 as plain files: this shows what is written where."""

    def setUp(self):
        directory = temporary_directory()
        self.addCleanup(directory.cleanup)
        self.root = directory.name
        with open(f"{self.root}/cgroup.controllers", "w", encoding="ascii") as file:
            file.write("cpu memory pids io\n")
        self.groups = cgroups.Version2("instance", self.root)
        self.groups.create("0001-abc")
        self.group = f"{self.root}/glovebox/instance/0001-abc"
        self.put("memory.current", "0\n")

    def content(self, path: str) -> str:
        with open(f"{self.group}/{path}", encoding="ascii") as file:
            return file.read()

    def put(self, path: str, text: str) -> None:
        with open(f"{self.group}/{path}", "w", encoding="ascii") as file:
            file.write(text)

    def test_controllers_are_handed_down_on_the_way(self):
        for group in ("", "/glovebox", "/glovebox/instance"):
            with open(f"{self.root}{group}/cgroup.subtree_control", encoding="ascii") as file:
                self.assertEqual(file.read(), "+memory +cpu +pids")

    def test_only_a_container_has_its_processes_moved(self):
        self.assertFalse(os.path.exists(f"{self.root}/glovebox-neighbours"))
        for name, text in (("cgroup.type", "domain\n"), ("cgroup.procs", "")):
            with open(f"{self.root}/{name}", "w", encoding="ascii") as file:
                file.write(text)
        cgroups.Version2("instance", self.root)
        self.assertTrue(os.path.exists(f"{self.root}/glovebox-neighbours"))

    def test_all_sandboxes_together_yield_to_the_service(self):
        with open(f"{self.root}/glovebox/cpu.weight", encoding="ascii") as file:
            self.assertEqual(file.read(), "50")

    def test_all_sandboxes_together_leave_memory_to_the_host(self):
        with open("/proc/meminfo", encoding="ascii") as file:
            total = int(file.readline().split()[1]) << 10
        with open(f"{self.root}/glovebox/memory.max", encoding="ascii") as file:
            limit = int(file.read())
        self.assertLessEqual(limit, total - (256 << 20))
        self.assertGreaterEqual(limit, total - (2 << 30))

    def test_the_quota_holds_for_the_kernel_and_not_for_the_warden(self):
        self.groups.set_cpu("0001-abc", 0.5)
        self.assertEqual(self.content("kernel/cpu.max"), "500000 1000000")
        self.assertFalse(os.path.exists(f"{self.group}/warden/cpu.max"))
        self.groups.lift_cpu("0001-abc")
        self.assertEqual(self.content("kernel/cpu.max"), "max")

    def test_burst_is_set_where_the_kernel_has_it(self):
        self.put("kernel/cpu.max.burst", "0")
        self.groups.set_cpu("0001-abc", 0.25)
        self.assertEqual(self.content("kernel/cpu.max.burst"), "250000")

    def test_memory_and_processes_are_limits_of_the_whole_sandbox(self):
        self.put("memory.swap.max", "max")
        self.groups.set_memory("0001-abc", 1 << 28)
        self.groups.set_processes("0001-abc", 50)
        found = [self.content(name) for name in ("memory.max", "memory.swap.max", "pids.max")]
        self.assertEqual(found, [str(1 << 28), "0", "50"])

    def test_a_limit_below_what_is_in_use_is_refused_without_killing(self):
        self.groups.set_memory("0001-abc", 1 << 28)
        self.put("memory.current", str(1 << 27))
        with self.assertRaisesRegex(OSError, "in use"):
            self.groups.set_memory("0001-abc", 1 << 26)
        found = [self.content(name) for name in ("memory.max", "memory.high")]
        self.assertEqual(found, [str(1 << 28), "max"])

    def test_out_of_memory_kills_are_counted_from_events(self):
        self.put("memory.events", "low 0\nhigh 0\nmax 9\noom 4\noom_kill 3\noom_group_kill 1\n")
        self.assertEqual(self.groups.oom_kills("0001-abc"), 3)

    def test_freezing_and_thawing_hold_for_all_sandboxes_at_once(self):
        base = os.path.dirname(self.group)
        with open(f"{base}/cgroup.events", "w", encoding="ascii") as file:
            file.write("populated 1\nfrozen 1\n")
        for act, state in ((self.groups.freeze, "1"), (self.groups.thaw, "0")):
            act()
            with open(f"{base}/cgroup.freeze", encoding="ascii") as file:
                self.assertEqual(file.read(), state)

    def test_limits_are_read_back(self):
        self.groups.set_memory("0001-abc", 64 << 20)
        self.groups.set_cpu("0001-abc", 0.5)
        self.groups.set_processes("0001-abc", 51)
        limits = {"memory_bytes": 64 << 20, "processes": 51, "cpu_cores": 0.5}
        for swap_of_the_host, with_swap_bytes in ((False, 64 << 20), (True, -1)):
            with mock.patch.object(files, "is_there_swap", return_value=swap_of_the_host):
                self.assertEqual(
                    self.groups.limits("0001-abc"),
                    {**limits, "memory_and_swap_bytes": with_swap_bytes},
                )
        self.put("memory.swap.max", "max")
        self.assertEqual(self.groups.limits("0001-abc")["memory_and_swap_bytes"], -1)

    def test_processes_of_kernel_and_warden_are_found(self):
        self.put("kernel/cgroup.procs", "12\n13\n")
        self.put("warden/cgroup.procs", "11\n")
        self.assertEqual(sorted(self.groups.processes("0001-abc")), [11, 12, 13])
        self.assertEqual(self.groups.processes("gone"), [])


class RealHierarchyTest(unittest.TestCase):
    def test_a_group_limits_counts_kills_and_leaves_nothing(self):
        def life() -> dict:
            show_real_hierarchy()
            groups = cgroups.open_cgroups(f"unit-test-{os.getpid()}-{os.urandom(4).hex()}")
            found: dict = {}
            try:
                groups.create("0001-test")
                found["names"] = sorted(groups.names())
                # Down, up and down again: version 1 cares about the order of its two limits.
                for mebibytes in (256, 64, 512):
                    groups.set_memory("0001-test", mebibytes << 20)
                groups.set_cpu("0001-test", 0.5)
                groups.set_cpu("0001-test", 1)
                groups.set_cpu("0001-test", 0.05)
                groups.lift_cpu("0001-test")
                quota, shares = cpu_files(groups)
                found["weight"] = shares
                found["warden's quota"] = quota
                groups.set_processes("0001-test", 3)
                found["limits"] = groups.limits("0001-test")
                found["oom_kills"] = groups.oom_kills("0001-test")
                found["accounting"] = all(
                    os.path.exists(path) for path in groups.accounting_files("0001-test").values()
                )
                ready, told = os.pipe()
                pid = os.fork()
                if pid == 0:
                    for entrance in groups.entrances("0001-test", limited_cpu=True):
                        with open(entrance, "w", encoding="ascii") as file:
                            file.write("0")
                    children = 0
                    try:
                        while children < 10:
                            if os.fork() == 0:
                                while True:
                                    pass
                            children += 1
                    except BlockingIOError:
                        pass
                    os.write(told, str(children).encode())
                    while True:
                        os.waitpid(-1, 0)
                found["children"] = int(os.read(ready, 10))
                found["inside"] = len(groups.processes("0001-test"))
                with open(groups.accounting_files("0001-test")["processes_events"], encoding="ascii") as file:
                    found["refused"] = file.read().split()
                groups.freeze()
                found["frozen"] = [is_idle(one) for one in groups.processes("0001-test")]
                groups.thaw()
                found["removed while in use"] = groups.remove("0001-test")
                found["reclaimed"] = cgroups.reclaim(groups)
                _, status = os.waitpid(pid, 0)
                found["killed by"] = os.WTERMSIG(status)
                found["names after"] = sorted(groups.names())
                found["remove twice"] = groups.remove("0001-test")
            finally:
                for name in groups.names():
                    groups.kill(name)
                    groups.remove(name)
                groups.remove_base()
            return found

        self.assertEqual(
            in_child(life),
            {
                "names": ["0001-test"],
                "limits": {
                    "memory_bytes": 512 << 20,
                    "memory_and_swap_bytes": 512 << 20,
                    "processes": 3,
                    "cpu_cores": -0.000001,
                },
                "weight": [True],
                "warden's quota": [],
                "oom_kills": 0,
                "accounting": True,
                "children": 2,
                "inside": 3,
                "refused": ["max", "1"],
                "frozen": [True, True, True],
                "removed while in use": False,
                "reclaimed": 1,
                "killed by": 9,
                "names after": [],
                "remove twice": True,
            },
        )


if __name__ == "__main__":
    unittest.main()
