"""Tries, from inside a sandbox, what no sandbox may do. The gateway sends this text as the first and
only cell of a sandbox that is destroyed afterwards; its last line prints one JSON object,
`{check: null or what went wrong}`. The plan's numbers that are compared here come in as `PLAN`.

A check passes only by an attempt that the kernel has refused, or by a fact that the kernel tells.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket

PLAN = {"writable": [], "read_only": []}  # Replaced by the gateway: open_files, places with their bytes and inodes, writable and read_only folders.

_libc = ctypes.CDLL(None, use_errno=True)
_USER_ID = 1000
_REFUSALS = (errno.EPERM, errno.ENOSYS)
# System calls by name and number, with arguments that would do nothing if they were let through.
_REFUSED_CALLS = {
    "ptrace": (101, 0, 0, 0, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "umount2": (166, 0, 0),
    "pivot_root": (155, 0, 0),
    "kexec_load": (246, 0, 0, 0, 0),
    "init_module": (175, 0, 0, 0),
    "add_key": (248, 0, 0, 0, 0, 0),
    "keyctl": (250, 0, 0, 0, 0, 0),
    "unshare": (272, 0x10000000),
    "setns": (308, -1, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "open_by_handle_at": (304, -1, 0, 0),
    "process_vm_readv": (310, 0, 0, 0, 0, 0, 0),
    "bpf": (321, 0, 0, 0),
    "userfaultfd": (323, 0),
    "io_uring_setup": (425, 0, 0),
    "open_tree": (428, -1, 0, 0),
    "fsopen": (430, 0, 0),
    "clone3": (435, 0, 0),
    "pidfd_getfd": (438, -1, -1, 0),
}
_X32_GETPID = 0x40000000 + 39
_REFUSED_FAMILIES = {"AF_PACKET": 17, "AF_KEY": 15, "AF_RXRPC": 33, "AF_ALG": 38, "AF_VSOCK": 40}
_NETLINK_AUDIT = 9
# mov eax, 20 (getpid of the 32-bit table); int 0x80; ret
_INT80_GETPID = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
# Loopback's own, and documentation's: nothing is ever there.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_DEVICES = {"null", "zero", "full", "random", "urandom"}
_WRITABLE = {"/workspace", "/tmp", "/tmp/home", "/dev/shm"}


def _refused(number: int, *arguments: int) -> bool:
    ctypes.set_errno(0)
    padded = [ctypes.c_long(value) for value in (*arguments, 0, 0, 0, 0, 0)]
    result = _libc.syscall(ctypes.c_long(number), *padded)
    return result == -1 and ctypes.get_errno() in _REFUSALS


def _status() -> dict[str, str]:
    with open("/proc/self/status", encoding="utf-8") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def user_identity():
    ids = os.getresuid() + os.getresgid()
    if set(ids) != {_USER_ID} or os.getgroups():
        return f"the ids are {ids}, the groups {os.getgroups()}"


def root_out_of_reach():
    for become in (os.setuid, os.setgid):
        try:
            become(0)
            return "it could become root"
        except OSError:
            pass


def capabilities():
    held = {name: value for name, value in _status().items() if name.startswith("Cap")}
    if any(int(value, 16) for value in held.values()):
        return f"it has {held}"


def no_new_privileges():
    if _status()["NoNewPrivs"] != "1":
        return "the switch is off"


def system_call_filter():
    if _status()["Seccomp"] != "2":
        return "no filter is in force"
    allowed = [name for name, call in _REFUSED_CALLS.items() if not _refused(*call)]
    if allowed:
        return f"it lets through {', '.join(allowed)}"


def foreign_abis():
    if not _refused(_X32_GETPID):
        return "x32 calls are let through"
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(_INT80_GETPID)
        anchor = ctypes.c_char.from_buffer(page)
        getpid = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(anchor))
        # A kernel without that table ends the caller, which is a refusal as well.
        child = os.fork()
        if child == 0:
            os._exit(0 if -getpid() in _REFUSALS else 1)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        del getpid, anchor
        if code not in (0, -signal.SIGSEGV):
            return f"a call by int 0x80 ends with {code}"


def sockets():
    made = []
    attempts = [(name, family, socket.SOCK_DGRAM, 0) for name, family in _REFUSED_FAMILIES.items()]
    attempts.append(("a raw socket", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    attempts.append(("audit netlink", socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_AUDIT))
    for name, family, kind, protocol in attempts:
        try:
            socket.socket(family, kind, protocol).close()
            made.append(name)
        except OSError as refusal:
            if refusal.errno not in _REFUSALS:
                made.append(f"{name} ({refusal})")
    if made:
        return f"it lets through {', '.join(made)}"


def network():
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        return f"the interfaces are {names}"
    for family, address in _ELSEWHERE:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1)
            code = probe.connect_ex((address, 80))
        if code not in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
            return f"a connection to {address} ends with {errno.errorcode.get(code, code)}"


def read_only_root():
    for directory in ("/", "/etc", "/usr/bin", "/usr/lib/python3", "/dev"):
        try:
            os.close(os.open(f"{directory}/probe", os.O_CREAT | os.O_WRONLY))
            return f"{directory} can be written"
        except OSError as refusal:
            if refusal.errno not in (errno.EROFS, errno.EACCES):
                return f"writing to {directory}: {refusal}"
    if not os.statvfs("/").f_flag & os.ST_RDONLY:
        return "/ is not mounted read-only"


def writable_places():
    for directory in _WRITABLE:
        flags = os.statvfs(directory).f_flag
        if not (flags & os.ST_NOSUID and flags & os.ST_NODEV):
            return f"{directory} allows set-uid files or devices"
        found = os.statvfs(directory)
        size, inodes = found.f_blocks * found.f_frsize, found.f_files
        bytes_max, inodes_max = PLAN["places"][directory]
        if size > bytes_max + mmap.PAGESIZE or inodes > inodes_max:
            return f"{directory} has {size} bytes and {inodes} inodes"


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    kinds = {(line[4], line[line.index("-") + 1]) for line in lines}
    expected = {("/", "overlay"), ("/dev", "tmpfs"), ("/proc", "proc"), ("/proc/sys", "proc")}
    expected |= {(path, "tmpfs") for path in _WRITABLE}
    folders = {*PLAN["writable"], *PLAN["read_only"]}
    # Folders are of whatever kind the host's file systems are.
    kinds = {(path, "folder" if path in folders else kind) for path, kind in kinds}
    expected |= {(path, "folder") for path in folders}
    kinds.discard(("/data", "tmpfs"))  # The read-only place of folders, where there may be some.
    odd = [
        path
        for path, kind in kinds - expected
        if not (path.startswith("/proc/") and kind == "tmpfs")
    ]
    if odd or not expected <= kinds:
        return f"there are mounts on {odd}, none on {sorted(expected - kinds)}"


def shared_folders():
    for path in (*PLAN["writable"], *PLAN["read_only"]):
        flags = os.statvfs(path).f_flag
        if not (flags & os.ST_NOSUID and flags & os.ST_NODEV and flags & os.ST_NOEXEC):
            return f"{path} allows set-uid files, devices or programs"
        if bool(flags & os.ST_RDONLY) != (path in PLAN["read_only"]):
            return f"{path} is not mounted as configured"
    for path in ("/data", "/opt/wheels", *PLAN["read_only"]):
        try:
            os.close(os.open(f"{path}/probe", os.O_CREAT | os.O_WRONLY))
            return f"{path} can be written"
        except OSError as refusal:
            if refusal.errno not in (errno.EROFS, errno.EACCES, errno.ENOENT):
                return f"writing to {path}: {refusal}"


def devices():
    found = {entry.name for entry in os.scandir("/dev") if not entry.is_symlink()}
    if found != _DEVICES | {"shm"}:
        return f"/dev holds {sorted(found)}"


def switches_of_the_host():
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj"):
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write("-1000" if path.endswith("adj") else "")
            if path == "/proc/self/oom_score_adj":
                return "it can hide from the killer of processes"
        except OSError:
            continue
    if os.path.exists("/proc/kcore") and os.path.getsize("/proc/kcore"):
        return "the host's memory shows in /proc"


def other_processes():
    visible = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    if visible - {os.getpid()}:
        return f"it sees processes {sorted(visible)}"
    try:
        os.kill(1, 0)
        return "it can signal PID 1"
    except OSError as refusal:
        if refusal.errno != errno.EPERM:
            return f"a signal to PID 1: {refusal}"


def descriptors():
    odd = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue  # The one that lists.
        if not target.startswith(("pipe:", "socket:", "/dev/null", "/memfd:lock")):
            odd.append(target)
    if odd:
        return f"it holds {odd}"


# Where folders of the host can be written, which hold more than places in memory.
_FILE_BYTES_MAX = 1 << 40


def resource_limits():
    expected = {
        resource.RLIMIT_NOFILE: PLAN["open_files"],
        resource.RLIMIT_FSIZE: _FILE_BYTES_MAX,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in expected.items():
        if max(resource.getrlimit(kind)) > value:
            return f"limit {kind} is {resource.getrlimit(kind)}"


_CHECKS = (
    user_identity, root_out_of_reach, capabilities, no_new_privileges, system_call_filter, foreign_abis,
    sockets, network, read_only_root, writable_places, mounts, shared_folders, devices, switches_of_the_host,
    other_processes, descriptors, resource_limits,
)  # fmt: skip


def _run() -> dict[str, str | None]:
    results = {}
    for check in _CHECKS:
        try:
            results[check.__name__] = check()
        except Exception as failure:  # A check that cannot be made has not been passed.
            results[check.__name__] = f"the check itself failed: {failure!r}"[:300]
    return results


print(json.dumps(_run()))
