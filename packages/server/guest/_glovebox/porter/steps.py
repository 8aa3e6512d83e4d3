"""The confinement of a porter: the third list of steps, beside the two in confine/confine.py.

The porter reads and writes a sandbox's files for the gateway. It lives in the warden's namespaces with the
rights of user 1000 over files and with no other right: its ids are the warden's, so that user code can
neither signal, trace, see nor slow it down, and /workspace is the only directory that it can name. All
that follows a path or a link does so in there, so nothing depends on how well a path was checked.
"""

import os
import resource
import stat
import sys

from _glovebox.confine import confine, linux
from _glovebox.confine.confine import Step
from _glovebox.confine.plan import Context
from _glovebox.wire.agreement import USER_ID, WARDEN_ID

# Where the porter finds /proc/self/fd, by which a file without a name gets one.
LINKS_DESCRIPTOR = 3
# A form may bring a thousand files, which all stay open until the last has come.
_OPEN_FILES_MAX = 1536
_NICENESS = 5


def limit_resources(context: Context) -> None:
    """Prevents what a porter that has been taken over could try: it starts no process, leaves no core
    and holds few files."""
    for kind, value in (
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
        (resource.RLIMIT_FSIZE, context.file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_RTPRIO, 0),
    ):
        resource.setrlimit(kind, (value, value))


def yield_to_others(context: Context) -> None:
    """No quota holds for it, so that files can be fetched while user code burns its share. Prevents
    large archives from slowing the gateway instead."""
    confine.yield_to_the_service(context)
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


def keep_standard_descriptors_harmless(context: Context) -> None:
    """Prevents a file of the guest from becoming descriptor 2, where Python writes its complaints."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in range(3):
        if descriptor != null:
            os.dup2(null, descriptor)


def enter_workspace(context: Context) -> None:
    """Prevents every path but those of /workspace, also through links, `..` and directories that are
    exchanged meanwhile. A directory of the process's own descriptors stays open: a file that was
    written without a name is linked from there."""
    links = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
    if links != LINKS_DESCRIPTOR:
        os.dup2(links, LINKS_DESCRIPTOR, inheritable=False)
        os.close(links)
    os.chdir("/workspace")
    os.chroot(".")
    os.chdir("/")


def load_nothing_more(context: Context) -> None:
    """Prevents code of the guest from being imported: the interpreter's search path names directories
    that are now below /workspace. What is needed has been loaded."""
    sys.meta_path.clear()
    sys.path.clear()


def name_modes_itself(context: Context) -> None:
    """New files get exactly the rights that the porter says."""
    os.umask(0)


def become_porter(context: Context) -> None:
    """The warden's ids, and the user's for files alone. Prevents what an effective id of the user's would
    allow it: signals, priorities, the choice of processors."""
    linux.drop_bounding_set()
    os.setgroups([])
    os.setresgid(*[WARDEN_ID] * 3)
    os.setresuid(*[WARDEN_ID] * 3)
    linux.set_file_ids(USER_ID)
    if os.getresuid() != (WARDEN_ID,) * 3 or os.getresgid() != (WARDEN_ID,) * 3:
        raise OSError("the ids are not the warden's after setting them")


def check_root(context: Context) -> None:
    """Prevents serving another directory than the one that the user owns."""
    owner = os.stat("/").st_uid
    if owner != USER_ID or not stat.S_ISDIR(os.stat("..").st_mode):
        raise OSError(f"the root belongs to {owner}")


def porter_steps(warden: int) -> tuple[Step, ...]:
    """The list for the process that serves files. `warden` is a pidfd."""
    return (
        yield_to_others,
        confine.hide_group_names,
        confine.join_namespaces_of(warden),
        confine.close_descriptors,
        keep_standard_descriptors_harmless,
        load_nothing_more,
        enter_workspace,
        name_modes_itself,
        limit_resources,
        confine.lead_own_session,
        become_porter,
        confine.drop_capabilities,
        check_root,
        confine.hide_memory,
        confine.forbid_new_privileges,
        confine.filter_system_calls,
    )
