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
import struct
from typing import Callable

from _glovebox.confine import linux
from _glovebox.confine.plan import Context
from _glovebox.confine.root_steps import (
    enter_root,
    hide_host_facts,
    make_devices,
    mount_folders,
    mount_own_proc,
    mount_read_only_root,
    mount_writable_places,
    seal_devices,
)
from _glovebox.wire.agreement import USER_ID, WARDEN_ID

_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41


def set_apart(context: Context) -> None:
    """New mount, network, IPC, UTS and cgroup namespaces: prevents reaching the host's objects of
    these kinds at all. First, because every later step works inside them."""
    os.unshare(
        os.CLONE_NEWNS | os.CLONE_NEWNET | os.CLONE_NEWIPC | os.CLONE_NEWUTS | os.CLONE_NEWCGROUP
    )


def stop_mount_propagation(context: Context) -> None:
    """Prevents our mounts from showing outside and later host mounts from showing inside."""
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)


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
    """Prevents what no control group counts: open files, files that are all holes, core dumps, locked
    memory, message queues, queued signals. Hard limits, so they cannot be raised again."""
    plan = context.plan
    for kind, value in (
        (resource.RLIMIT_NOFILE, plan.open_files),
        (resource.RLIMIT_FSIZE, context.file_bytes),
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


def _become(uid: int) -> None:
    linux.drop_bounding_set()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid,) * 3 or os.getresgid() != (uid,) * 3:
        raise OSError(f"the ids are not {uid} after setting them")


def drop_capabilities(context: Context) -> None:
    """Prevents every privileged operation, also inside the sandbox's own namespaces."""
    linux.clear_capabilities()


def forbid_new_privileges(context: Context) -> None:
    """Prevents set-uid programs and file capabilities from giving anything; seccomp needs it."""
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)


def close_descriptors(context: Context) -> None:
    """Prevents use of anything the parent had open: its sockets, directories and pidfds. Early, so
    that a half-made sandbox keeps no connection of another open."""
    kept = sorted(context.keep_descriptors)
    start = 0
    for descriptor in kept:
        if descriptor > start:  # An empty range would mean "everything from here".
            os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, 1 << 20)


def hide_memory(context: Context) -> None:
    """Prevents tracing and reading /proc/1/* of the warden, to all."""
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
