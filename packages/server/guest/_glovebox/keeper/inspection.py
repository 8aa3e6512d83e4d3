"""What the kernel says about the processes of a sandbox, read from outside of it.

The keeper only reads and tells; what the facts should be is judged by the gateway, which knows the
plan. Nothing here is text that a guest can choose, but for the state of its own process.
"""

import os

_STATUS_FIELDS = (
    "State", "Uid", "Gid", "Groups", "NSpid", "NoNewPrivs", "Seccomp", "Threads",
    "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
)  # fmt: skip
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def sandbox(kernel_handle: int, warden_handle: int, porter_handle: int) -> dict:
    """The facts of its processes, by their pidfds, and the keeper's own namespaces. There may be no
    porter."""
    return {
        "keeper": _namespaces(os.getpid()),
        "kernel": _process(_pid_of(kernel_handle)),
        "warden": _process(_pid_of(warden_handle)),
        "porter": _process(_pid_of(porter_handle)) if porter_handle >= 0 else None,
    }


def _pid_of(handle: int) -> int:
    """The pid behind a pidfd, or -1 when the process is gone."""
    with open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))


def _namespaces(pid: int) -> dict[str, str]:
    """Identities of a process's namespaces, such as "net:[4026531840]", by their kind."""
    return {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in _NAMESPACES}


def _process(pid: int) -> dict:
    """The facts of one process. OSError when it is gone."""
    status = {}
    for line in _read(f"/proc/{pid}/status").splitlines():
        name, _, value = line.partition(":")
        if name in _STATUS_FIELDS:
            status[name] = " ".join(value.split())
    return {
        "status": status,
        "namespaces": _namespaces(pid),
        "uid_map": " ".join(_read(f"/proc/{pid}/uid_map").split()),
        "gid_map": " ".join(_read(f"/proc/{pid}/gid_map").split()),
        "oom_score_adj": int(_read(f"/proc/{pid}/oom_score_adj")),
        # Lines such as "4:memory:/glovebox/1a2b3c4d/0003-abc".
        "cgroups": _read(f"/proc/{pid}/cgroup").split(),
    }


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
