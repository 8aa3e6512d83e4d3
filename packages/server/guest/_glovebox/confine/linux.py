"""The few Linux calls that Python's standard library lacks, one thin wrapper each.

Every wrapper raises OSError with the kernel's errno, so that a caller never has to look at a return
value: a confinement step that did not succeed cannot be mistaken for one that did.
"""

import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.umount2.argtypes = (ctypes.c_char_p, ctypes.c_int)
_libc.prctl.argtypes = (ctypes.c_int,) + (ctypes.c_ulong,) * 4
_libc.syscall.restype = ctypes.c_long
_libc.renameat2.argtypes = (
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_uint,
)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2

# Attributes of a mount, for mount_setattr.
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR_NOATIME = 0x10
_MOUNT_ATTR_ATIME_CHOICE = 0x70
_MOUNT_ATTR_IDMAP = 0x100000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

MADV_COLLAPSE = 25

AT_FDCWD = -100
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2

_SYS_CAPSET = 126
_SYS_PIVOT_ROOT = 155
_SYS_SECCOMP = 317
_SYS_OPEN_TREE = 428
_SYS_MOVE_MOUNT = 429
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD = -100
_AT_EMPTY_PATH = 0x1000
_OPEN_TREE_CLONE = 0x1
_OPEN_TREE_CLOEXEC = 0x80000
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_SECCOMP_SET_MODE_FILTER = 1
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_EINVAL = 22


def _check(result: int, what: str) -> None:
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{what}: {os.strerror(errno)}")


def mount(source: str, target: str, fstype: str, flags: int, options: str = "") -> None:
    """mount(2). Paths are absolute inside the caller's root."""
    _check(
        _libc.mount(
            source.encode(), target.encode(), fstype.encode(), flags, options.encode() or None
        ),
        f"mount {fstype or 'bind'} on {target}",
    )


def unmount_detached(target: str) -> None:
    """umount2(2) with MNT_DETACH: gone from the namespace at once, even when busy."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"unmount {target}")


def clone_mount(root: int) -> int:
    """open_tree(2): a copy of the mount whose root is open, without those below it, that is nowhere
    yet. By a descriptor, because a path would be looked up, which a server of files can make hang."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_EMPTY_PATH
    descriptor = _libc.syscall(_SYS_OPEN_TREE, root, b"", flags)
    _check(min(descriptor, 0), "clone a mount")
    return descriptor


def set_mount_attributes(mount: int, attributes: int, id_map: int | None = None) -> None:
    """mount_setattr(2) on a mount that is nowhere yet. `id_map` is a user namespace: what belongs to
    an id inside it on the disk belongs to the id outside it here, and the other way round."""
    if id_map is not None:
        attributes |= _MOUNT_ATTR_IDMAP
    given = struct.pack("=QQQQ", attributes, _MOUNT_ATTR_ATIME_CHOICE, 0, id_map or 0)
    _check(
        _libc.syscall(_SYS_MOUNT_SETATTR, mount, b"", _AT_EMPTY_PATH, given, len(given)),
        "set the attributes of a mount",
    )


def move_mount(mount: int, path: str) -> None:
    """move_mount(2): attach a mount that is nowhere yet at `path`."""
    _check(
        _libc.syscall(
            _SYS_MOVE_MOUNT, mount, b"", _AT_FDCWD, path.encode(), _MOVE_MOUNT_F_EMPTY_PATH
        ),
        f"attach a mount at {path}",
    )


def pivot_root_here() -> None:
    """Make the current directory the root and let go of the old one.

    The two-dot form stacks the old root under the new one, so no directory for it is needed; the
    detach then removes it from the namespace, with everything that is mounted below it.
    """
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    unmount_detached(".")
    os.chdir("/")


def prctl(option: int, value: int = 0, third: int = 0) -> None:
    """prctl(2) for the options that return 0 on success."""
    _check(_libc.prctl(option, value, third, 0, 0), f"prctl {option}")


def name_process(name: str) -> None:
    """What ps and top show, 15 bytes at most: all processes of the guest are forks of one command."""
    buffer = ctypes.create_string_buffer(name.encode())
    prctl(_PR_SET_NAME, ctypes.addressof(buffer))


def drop_bounding_set() -> None:
    """Empty the capability bounding set: no later execve can regain a capability."""
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            errno = ctypes.get_errno()
            if errno == _EINVAL:  # One past the last capability this kernel knows.
                return
            raise OSError(errno, f"drop capability {capability}: {os.strerror(errno)}")


def clear_capabilities() -> None:
    """Clear the effective, permitted, inheritable and ambient sets of this process."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", _LINUX_CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_SYS_CAPSET, header, bytes(24)), "capset")


def set_file_ids(uid: int) -> None:
    """The ids by which access to files is decided, and no others. They must be set after the rest, as
    every change of those resets them. The calls have no errors; asking again tells what is in force."""
    _libc.setfsgid(uid)
    _libc.setfsuid(uid)
    nobody = ctypes.c_uint(-1)
    if (_libc.setfsgid(nobody), _libc.setfsuid(nobody)) != (uid, uid):
        raise OSError(f"the ids for files are not {uid} after setting them")


def rename(source: str, target: str, flags: int) -> None:
    """renameat2(2): RENAME_NOREPLACE fails where the target exists, RENAME_EXCHANGE where it does not."""
    _check(
        _libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags),
        f"rename to {target}",
    )


def load_seccomp_filter(program: bytes) -> None:
    """Install a classic BPF program (an array of struct sock_filter) for this thread.

    Needs no_new_privs. The kernel refuses malformed programs with EINVAL.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(buffer))
    _check(_libc.syscall(_SYS_SECCOMP, _SECCOMP_SET_MODE_FILTER, 0, fprog), "seccomp")


def collapse_heap_into_huge_pages() -> int:
    """Ask the kernel to back this process's anonymous memory by 2 MiB pages.

    fork(2) copies one entry for each page, so 512 times fewer pages make it cheaper. Best effort: returns how
    many regions were collapsed, 0 on kernels before 6.1.
    """
    huge = 1 << 21
    collapsed = 0
    with open("/proc/self/maps") as maps:
        lines = maps.read().splitlines()
    for line in lines:
        fields = line.split()
        if fields[1] != "rw-p" or (len(fields) > 5 and fields[5] != "[heap]"):
            continue
        start, end = (int(bound, 16) for bound in fields[0].split("-"))
        start = (start + huge - 1) & ~(huge - 1)
        end &= ~(huge - 1)
        if end > start and _libc.madvise(start, end - start, MADV_COLLAPSE) == 0:
            collapsed += 1
    return collapsed
