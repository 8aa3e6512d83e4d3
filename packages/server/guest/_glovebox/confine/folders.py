"""Folders of the host that sandboxes see.

enter-rootfs.sh binds each, and only the one file system that it lies on, below DIRECTORY, where this
instance's keeper alone can reach it. A sandbox gets a copy of that mount: the same one way for what is
there from its beginning and for what a session asks for. The gateway names folders by their names;
paths of the host are known to the script only.

Files of a folder's owner appear as, and are written by, the sandbox's user: the copy translates ids by a
user namespace that holds nothing but this one pair. A folder of root is never translated. Nothing
that a guest could do may end in a file of root.
"""

import os
import signal
import sys
from dataclasses import dataclass

from _glovebox.confine import linux

DIRECTORY = "/run/mounts"
_DATA = "/data"
_WHEELS = ".wheels"
_WHEELS_TARGET = "/opt/wheels"


class FoldersRefused(Exception):
    """A folder cannot be shown as the configuration says."""


@dataclass(frozen=True)
class Folder:
    """As the supervisor has found it. Root as owner means that no ids are translated."""

    name: str
    writable: bool
    uid: int
    gid: int

    @property
    def target(self) -> str:
        """Where it is shown inside."""
        return _WHEELS_TARGET if self.name == _WHEELS else f"{_DATA}/{self.name}"


# Mounts that are nowhere yet, with the place each is meant for.
Mounts = list[tuple[int, str]]


class Folders:
    """All of an instance. `described` holds NAME:ro|rw:UID:GID, separated by spaces."""

    def __init__(self, described: str, trial_id: int):
        self._folders: dict[str, Folder] = {}
        self._roots: dict[str, int] = {}
        self._id_maps: dict[tuple[int, int, int], int] = {}
        for description in described.split():
            name, mode, uid, gid = description.split(":")[:4]
            folder = Folder(name, mode == "rw", int(uid), int(gid))
            if folder.writable and 0 in (folder.uid, folder.gid):
                raise FoldersRefused(f"DATA_MOUNTS: {name} is root's and cannot be rw")
            self._folders[name] = self._tried(folder, trial_id)
        self.has_writable = any(folder.writable for folder in self._folders.values())
        self.has_data = any(folder.target != _WHEELS_TARGET for folder in self._folders.values())

    def _tried(self, folder: Folder, trial_id: int) -> Folder:
        """What this file system can do: without translation a folder is shown as others see it."""
        try:
            os.close(self._copy(folder, trial_id))
            return folder
        except OSError as failure:
            if folder.writable:
                raise FoldersRefused(
                    f"DATA_MOUNTS: {folder.name} cannot be rw, as its file system or this kernel "
                    f"cannot translate ids ({failure}); share it :ro"
                ) from failure
        untranslated = Folder(folder.name, False, 0, 0)
        os.close(self._copy(untranslated, trial_id))
        sys.stderr.write(
            f"glovebox: the file system of {folder.name} cannot translate ids: "
            "sandboxes read there what every user of the host may read\n"
        )
        return untranslated

    def unknown(self, names: object) -> str | None:
        """What is wrong with a list of names that came from elsewhere, or None."""
        if not isinstance(names, list) or len(names) > len(self._folders):
            return "the mounts are not a list of known names"
        if not all(isinstance(name, str) and name in self._folders for name in names):
            return "there is no mount of one of these names"
        return "a mount is named twice" if len(set(names)) < len(names) else None

    def copies(self, names: tuple[str, ...] | list[str], host_id: int) -> Mounts:
        """For the sandbox whose user is `host_id` outside. The caller attaches and closes them."""
        made: Mounts = []
        try:
            for name in names:
                folder = self._folders[name]
                made.append((self._copy(folder, host_id), folder.target))
        except BaseException:
            close_all(made)
            raise
        return made

    def _copy(self, folder: Folder, host_id: int) -> int:
        attributes = linux.MOUNT_ATTR_NOSUID | linux.MOUNT_ATTR_NODEV | linux.MOUNT_ATTR_NOEXEC
        attributes |= linux.MOUNT_ATTR_NOATIME
        if not folder.writable:
            attributes |= linux.MOUNT_ATTR_RDONLY
        # Nothing of root's is given to a sandbox, be it by its user or by its group.
        is_translated = folder.uid and folder.gid
        id_map = self._id_map(folder.uid, folder.gid, host_id) if is_translated else None
        mount = linux.clone_mount(self._root(folder.name))
        try:
            linux.set_mount_attributes(mount, attributes, id_map)
        except OSError:
            os.close(mount)
            raise
        return mount

    def _root(self, name: str) -> int:
        """Open since the start, when each folder was tried."""
        if name not in self._roots:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
            self._roots[name] = os.open(f"{DIRECTORY}/{name}", flags)
        return self._roots[name]

    def _id_map(self, uid: int, gid: int, host_id: int) -> int:
        """Kept, as host ids are used again: there is one for each slot and owner."""
        key = (uid, gid, host_id)
        if key not in self._id_maps:
            self._id_maps[key] = _make_id_map(*key)
        return self._id_maps[key]

    def fork_to_show(self, names: list[str], host_id: int, warden_handle: int) -> int:
        """Attach folders in a living sandbox that has run no user code. In a child, as entering a
        mount namespace is for good, and a file system that hangs must not hang the keeper. Returns its
        pid; its exit code is 0 when all are shown."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            mounts = self.copies(names, host_id)
            os.setns(warden_handle, os.CLONE_NEWNS)
            attach(mounts)
            code = 0
        except BaseException as failure:
            sys.stderr.write(f"glovebox: {', '.join(names)} could not be mounted: {failure}\n")
            sys.stderr.flush()
        finally:
            os._exit(code)


def make_data_directory(root: str) -> None:
    """An empty /data. It is in memory, because the tree below is read-only."""
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("tmpfs", f"{root}{_DATA}", "tmpfs", flags, "size=64k,nr_inodes=64,mode=0755")
    linux.mount("", f"{root}{_DATA}", "", flags | linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY)


def attach(mounts: Mounts, root: str = "") -> None:
    """Put the mounts into place and close them. No guest can write a part of these paths: they
    belong to root of the host."""
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC | linux.MS_BIND | linux.MS_REMOUNT
    if any(target.startswith(_DATA) for _, target in mounts):
        linux.mount("", f"{root}{_DATA}", "", flags)
        for _, target in mounts:
            os.makedirs(f"{root}{target}", mode=0o755, exist_ok=True)
        linux.mount("", f"{root}{_DATA}", "", flags | linux.MS_RDONLY)
    for mount, target in mounts:
        linux.move_mount(mount, f"{root}{target}")
    close_all(mounts)


def close_all(mounts: Mounts) -> None:
    """Let go of copies; those that were not attached are gone with it."""
    for mount, _ in mounts:
        os.close(mount)


def _make_id_map(uid: int, gid: int, host_id: int) -> int:
    """A user namespace in which `uid` and `gid` stand for `host_id` outside, without any process."""
    ready, says_ready = os.pipe2(os.O_CLOEXEC)
    try:
        pid = os.fork()
    except OSError:
        os.close(ready)
        os.close(says_ready)
        raise
    if pid == 0:
        try:
            os.unshare(os.CLONE_NEWUSER)
            os.write(says_ready, b"r")
            signal.pause()  # Until it is killed.
        finally:
            os._exit(1)
    os.close(says_ready)
    try:
        if os.read(ready, 1) != b"r":
            raise OSError("no user namespace could be made")
        for kind, inside in (("uid_map", uid), ("gid_map", gid)):
            descriptor = os.open(f"/proc/{pid}/{kind}", os.O_WRONLY)
            try:
                os.write(descriptor, f"{inside} {host_id} 1\n".encode())
            finally:
                os.close(descriptor)
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
