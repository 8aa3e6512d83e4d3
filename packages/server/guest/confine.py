"""The confinement of a sandbox, as two ordered lists of short steps.

`WARDEN_STEPS` runs in the process that becomes PID 1 of a sandbox, forked by the keeper into a new
PID namespace: it builds the namespaces and the file system, still as root of the host, and then
gives everything up. `kernel_steps` run in the process that will run user code, forked by the zygote
straight into the namespaces that the warden has built.

Namespaces and mounts are made before the user namespace is entered, so they belong to the host's
user namespace: even a process that regained every capability inside could not remount, configure an
interface or reach another process with them.

Each step says what it prevents. A step that fails raises, and the caller ends the process: there is
no weaker sandbox. Nothing that a guest can write is ever touched here, because no guest code
runs before the last of `kernel_steps`.
"""

import fcntl
import os
import resource
import signal
import socket
import stat
import struct
from dataclasses import dataclass, field
from typing import Callable

import folders
import linux
from folders import Folders

USER_ID = 1000
WARDEN_ID = 999

# Where enter-rootfs.sh shows the keeper the layers of root file systems.
LAYERS_DIRECTORY = "/run/layers"
_NEW_ROOT = "/mnt"
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41

# Host-wide facts and switches in /proc that have no namespace of their own. A path that this
# kernel does not have is nothing to hide.
_HIDDEN_FILES = (
    "buddyinfo", "cgroups", "cmdline", "config.gz", "consoles", "crypto", "devices", "diskstats", "dma",
    "execdomains", "fb", "interrupts", "iomem", "ioports", "kallsyms", "kcore", "key-users",
    "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "locks", "mdstat",
    "misc", "modules", "mtrr", "pagetypeinfo", "partitions", "sched_debug", "schedstat",
    "slabinfo", "softirqs", "swaps", "sysrq-trigger", "timer_list", "vmallocinfo", "vmstat", "zoneinfo",
    # Names of this boot, and counters by which sandboxes could signal each other.
    "sys/fs/aio-nr", "sys/fs/dentry-state", "sys/fs/file-nr", "sys/fs/inode-nr", "sys/fs/inode-state",
    "sys/kernel/pty/nr", "sys/kernel/random/boot_id",
)  # fmt: skip
_HIDDEN_DIRECTORIES = (
    "acpi", "asound", "bus", "driver", "dynamic_debug", "fs", "irq", "pressure", "scsi", "sysvipc", "tty",
    "sys/fs/quota",
)  # fmt: skip
# In the /dev that is being made: what lies over hidden files. Shared memory is mounted over its name.
_EMPTY_FILE = "shm/.empty"
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}


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
    mounts: list[str]  # Names of folders, see folders.py.

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


_BOUNDS: dict[str, tuple[type, float, float]] = {
    "memory_bytes": (int, 16 << 20, 1 << 40),
    "cpu_cores": (float, 0.01, 1024.0),
    "processes": (int, 2, 32768),
    "open_files": (int, 32, 1 << 20),
    "workspace_bytes": (int, 1 << 20, 1 << 40),
    "workspace_inodes": (int, 64, 1 << 24),
    "tmp_bytes": (int, 1 << 20, 1 << 40),
    "tmp_inodes": (int, 64, 1 << 24),
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
    host_uid: int  # The host's id behind USER_ID.
    hostname: str
    tree: str  # The root file system's name in LAYERS_DIRECTORY.
    keep_descriptors: frozenset[int]
    seccomp_program: bytes
    map_ids: Callable[[], None]  # Blocks until the keeper has written the id maps.
    has_data: bool = False  # Whether there may be folders below /data, now or later.
    mounts: folders.Mounts = field(default_factory=list)


def set_apart(context: Context) -> None:
    """New mount, network, IPC, UTS and cgroup namespaces: prevents reaching the host's objects of
    these kinds at all. First, because every later step works inside them."""
    os.unshare(
        os.CLONE_NEWNS | os.CLONE_NEWNET | os.CLONE_NEWIPC | os.CLONE_NEWUTS | os.CLONE_NEWCGROUP
    )


def stop_mount_propagation(context: Context) -> None:
    """Prevents our mounts from showing outside and later host mounts from showing inside."""
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)


def mount_read_only_root(context: Context) -> None:
    """Prevents changes to what this and every other sandbox executes. An overlay of its own, though
    of the same files, because file locks belong to it: sandboxes cannot signal each other by them.
    The names of the layers are relative, as they show in /proc/self/mountinfo."""
    os.chdir(LAYERS_DIRECTORY)
    flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("overlay", _NEW_ROOT, "overlay", flags, f"lowerdir={context.tree}:.mountpoints")
    os.chdir("/")


def mount_writable_places(context: Context) -> None:
    """/workspace and /tmp live in memory: prevents filling the host's disk or inodes, and leaves
    nothing behind. No set-uid and no device files."""
    flags = linux.MS_NOSUID | linux.MS_NODEV
    owner = f"uid={context.host_uid},gid={context.host_uid}"
    plan = context.plan
    for path, size, inodes in (
        ("workspace", plan.workspace_bytes, plan.workspace_inodes),
        ("tmp", plan.tmp_bytes, plan.tmp_inodes),
    ):
        options = f"size={size},nr_inodes={inodes},mode=0755,{owner}"
        linux.mount("tmpfs", f"{_NEW_ROOT}/{path}", "tmpfs", flags, options)


def mount_folders(context: Context) -> None:
    """The operator's folders: no set-uid files, devices or programs, read-only unless configured
    otherwise, and of each the one file system it lies on."""
    if context.has_data:
        folders.make_data_directory(_NEW_ROOT)
    folders.attach(context.mounts, _NEW_ROOT)


def make_devices(context: Context) -> None:
    """Five harmless devices and nothing else: prevents access to disks, memory and terminals."""
    directory = f"{_NEW_ROOT}/dev"
    flags = linux.MS_NOSUID | linux.MS_NOEXEC
    linux.mount("tmpfs", directory, "tmpfs", flags, "size=64k,nr_inodes=32,mode=0755")
    for name, (major, minor) in _DEVICES.items():
        path = f"{directory}/{name}"
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.chmod(path, 0o666)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{directory}/{name}")
    os.mkdir(f"{directory}/shm")
    os.close(os.open(f"{directory}/{_EMPTY_FILE}", os.O_CREAT | os.O_EXCL, 0o444))


def mount_own_proc(context: Context) -> None:
    """A /proc of the new PID namespace: prevents seeing or touching any process of the host, and
    `hidepid` any process of another uid, which is the warden."""
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("proc", f"{_NEW_ROOT}/proc", "proc", flags, "hidepid=invisible")


def hide_host_facts(context: Context) -> None:
    """Prevents reading what /proc says about the whole host, and using its switches. Over files lies
    an empty one and not /dev/null, which would take what is written to a switch without a word."""
    read_only = linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    proc = f"{_NEW_ROOT}/proc"
    linux.mount(f"{proc}/sys", f"{proc}/sys", "", linux.MS_BIND)
    linux.mount("", f"{proc}/sys", "", linux.MS_REMOUNT | read_only)
    for name in _HIDDEN_FILES:
        if os.path.lexists(f"{proc}/{name}"):
            linux.mount(f"{_NEW_ROOT}/dev/{_EMPTY_FILE}", f"{proc}/{name}", "", linux.MS_BIND)
    for name in _HIDDEN_DIRECTORIES:
        if os.path.isdir(f"{proc}/{name}"):
            linux.mount(
                "tmpfs", f"{proc}/{name}", "tmpfs", read_only & ~linux.MS_BIND, "size=4k,nr_inodes=1"
            )


def seal_devices(context: Context) -> None:
    """Prevents changes to /dev, which every program trusts, and to the empty file over hidden ones.
    Shared memory gets the size and inode caps of /tmp."""
    directory = f"{_NEW_ROOT}/dev"
    flags = linux.MS_NOSUID | linux.MS_NOEXEC
    linux.mount("", directory, "", linux.MS_REMOUNT | linux.MS_RDONLY | flags)
    owner = f"uid={context.host_uid},gid={context.host_uid}"
    options = f"size={context.plan.tmp_bytes},nr_inodes={context.plan.tmp_inodes},mode=0700,{owner}"
    linux.mount("tmpfs", f"{directory}/shm", "tmpfs", flags | linux.MS_NODEV, options)


def enter_root(context: Context) -> None:
    """pivot_root and detach: prevents every path of the old root, also through `..` and chroot
    tricks, because the old root is no longer in the namespace."""
    os.chdir(_NEW_ROOT)
    linux.pivot_root_here()


def name_host(context: Context) -> None:
    """Prevents learning the host's name, and two sandboxes from sharing one."""
    socket.sethostname(context.hostname)


def bring_loopback_up(context: Context) -> None:
    """The only interface is a loopback of the sandbox's own: there is no route to anywhere, DNS
    included, while programs that talk to themselves over 127.0.0.1 work."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP_RUNNING))


def enter_user_namespace(context: Context) -> None:
    """Ids inside stand for host ids that no other sandbox has: prevents meeting the host's users
    and sharing what the kernel counts for each user. Id 0 is not mapped at all. Last of the
    namespaces, so that it owns none of the others."""
    os.unshare(os.CLONE_NEWUSER)
    context.map_ids()


def hide_group_names(context: Context) -> None:
    """A cgroup namespace of its own, made after the groups were entered: prevents reading their
    names, which tell the instance and the slot. The warden's would show them, as it is not in all."""
    os.unshare(os.CLONE_NEWCGROUP)


def wait_until_built(built: int) -> Callable[[Context], None]:
    """The zygote forks while the warden still mounts, which saves a third of the time; from here on
    everything must be in place. The pipe ends without a byte when the warden has failed."""

    def wait_for_warden(context: Context) -> None:
        if os.read(built, 1) != b"b":
            raise OSError("the warden did not finish")

    return wait_for_warden


def join_namespaces_of(warden: int) -> Callable[[Context], None]:
    """A step that enters everything the warden has built, by its pidfd. The PID namespace is
    already right: the zygote chose it before the fork."""

    def join_namespaces(context: Context) -> None:
        os.setns(
            warden,
            os.CLONE_NEWNS
            | os.CLONE_NEWNET
            | os.CLONE_NEWIPC
            | os.CLONE_NEWUTS
            | os.CLONE_NEWUSER,
        )

    return join_namespaces


def offer_to_oom_killer(context: Context) -> None:
    """Prevents the kernel from picking the warden, or a process of the host, when memory runs out."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("700")


def yield_to_the_service(context: Context) -> None:
    """Batch scheduling: waking up does not preempt who runs. Prevents many busy kernels from
    slowing the gateway, and costs a kernel next to nothing."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def limit_resources(context: Context) -> None:
    """Prevents what no control group counts: open files, core dumps, locked memory, message
    queues, queued signals. Hard limits, so they cannot be raised again."""
    plan = context.plan
    for kind, value in (
        (resource.RLIMIT_NOFILE, plan.open_files),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 64 << 10),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 1024),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_RTPRIO, 0),
        (resource.RLIMIT_NPROC, plan.processes + 16),
    ):
        _, hard = resource.getrlimit(kind)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


def lead_own_session(context: Context) -> None:
    """Prevents signals to, and a terminal of, the group that the parent belongs to."""
    os.setsid()


def become_warden(context: Context) -> None:
    """The warden's id differs from the user's: prevents signals and tracing between them."""
    _become(WARDEN_ID)


def become_user(context: Context) -> None:
    """Prevents everything that file ownership guards; there is no way back without capabilities."""
    _become(USER_ID)


def _become(identity: int) -> None:
    linux.drop_bounding_set()
    os.setgroups([])
    os.setresgid(identity, identity, identity)
    os.setresuid(identity, identity, identity)
    if os.getresuid() != (identity,) * 3 or os.getresgid() != (identity,) * 3:
        raise OSError(f"the ids are not {identity} after setting them")


def drop_capabilities(context: Context) -> None:
    """Prevents every privileged operation, also inside the sandbox's own namespaces."""
    linux.clear_capabilities()


def forbid_new_privileges(context: Context) -> None:
    """Prevents set-uid programs and file capabilities from giving anything; seccomp needs it."""
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)


def close_descriptors(context: Context) -> None:
    """Prevents use of anything the parent had open: its sockets, directories and pidfds. Early, so
    that a sandbox that is only half made keeps nobody's connection open."""
    kept = sorted(context.keep_descriptors)
    start = 0
    for descriptor in kept:
        if descriptor > start:  # An empty range would mean "everything from here".
            os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, 1 << 20)


def hide_memory(context: Context) -> None:
    """Prevents tracing and reading /proc/1/* of the warden, whoever asks."""
    linux.prctl(linux.PR_SET_DUMPABLE, 0)


def show_memory(context: Context) -> None:
    """Changing ids makes a process undumpable, which would keep it from its own /proc/self. What
    it could show belongs to the user anyway."""
    linux.prctl(linux.PR_SET_DUMPABLE, 1)


def filter_system_calls(context: Context) -> None:
    """Prevents reaching the greater part of the kernel. Last, because the steps before it use
    calls that it refuses; inherited by every child."""
    linux.load_seccomp_filter(context.seccomp_program)


Step = Callable[[Context], None]

WARDEN_STEPS: tuple[Step, ...] = (
    close_descriptors,
    set_apart,
    stop_mount_propagation,
    mount_read_only_root,
    mount_writable_places,
    mount_folders,
    make_devices,
    mount_own_proc,
    hide_host_facts,
    seal_devices,
    enter_root,
    name_host,
    bring_loopback_up,
    enter_user_namespace,
    limit_resources,
    lead_own_session,
    become_warden,
    drop_capabilities,
    hide_memory,
    forbid_new_privileges,
    filter_system_calls,
)


def kernel_steps(warden: int, built: int) -> tuple[Step, ...]:
    """The list for the process that runs user code. `warden` is a pidfd, `built` the read end of a
    pipe on which the keeper tells that the warden is through with the namespaces."""
    return (
        offer_to_oom_killer,
        yield_to_the_service,
        hide_group_names,
        wait_until_built(built),
        join_namespaces_of(warden),
        close_descriptors,
        limit_resources,
        lead_own_session,
        become_user,
        drop_capabilities,
        show_memory,
        forbid_new_privileges,
        filter_system_calls,
    )


class StepFailed(Exception):
    """A confinement step did not succeed; `step` names it."""

    def __init__(self, step: str, cause: BaseException):
        super().__init__(f"{step}: {cause}")
        self.step = step


def confine(steps: tuple[Step, ...], context: Context) -> None:
    """Run the steps in order. Raises StepFailed at the first that fails; the caller must exit."""
    for step in steps:
        try:
            step(context)
        except BaseException as failure:
            raise StepFailed(step.__name__, failure) from failure


def reset_signals() -> None:
    """Forget the handlers of the forking process, so that a child does not act in its name."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
