"""The steps of the warden that build the sandbox's file system and enter it. See confine/confine.py for their place.

The new root is made below a directory of the old one, from the read-only tree, places in memory, the
operator's folders, five devices and a /proc of its own; the last step leaves the old root for good.
"""

import os
import stat

from _glovebox.confine import folders, linux
from _glovebox.confine.plan import Context

# Where enter-rootfs.sh shows the keeper the layers of root file systems.
LAYERS_DIRECTORY = "/run/layers"
_NEW_ROOT = "/mnt"

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


def mount_read_only_root(context: Context) -> None:
    """Prevents changes to what this and every other sandbox executes. An overlay of its own, though
    of the same files, because file locks belong to it: sandboxes cannot signal each other by them.
    The names of the layers are relative, as they show in /proc/self/mountinfo."""
    os.chdir(LAYERS_DIRECTORY)
    flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("overlay", _NEW_ROOT, "overlay", flags, f"lowerdir={context.tree}:.mountpoints")
    os.chdir("/")


def mount_writable_places(context: Context) -> None:
    """/workspace, /tmp and the home in it, where packages go, live in memory: prevents filling the
    host's disk or inodes, and leaves nothing behind. No set-uid and no device files."""
    flags = linux.MS_NOSUID | linux.MS_NODEV
    owner = f"uid={context.host_uid},gid={context.host_uid}"
    plan = context.plan
    for path, size, inodes in (
        ("workspace", plan.workspace_bytes, plan.workspace_inodes),
        ("tmp", plan.tmp_bytes, plan.tmp_inodes),
        ("tmp/home", plan.home_bytes, plan.home_inodes),
    ):
        os.makedirs(f"{_NEW_ROOT}/{path}", exist_ok=True)
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
