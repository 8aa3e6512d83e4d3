"""Sent in front of every case. An attacker would write such helpers too: raw system calls and a verdict.

The names FORBIDDEN_PATHS, NEIGHBOUR and GATEWAY_PORT are set by the suite in the lines above this.
"""

import ctypes
import errno
import json
import os
import socket
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

# What a filter or a missing capability answers. Any other error shows that the kernel's own code ran.
REFUSED = {"EPERM", "EACCES", "ENOSYS"}


def verdict(blocked, detail):
    print(json.dumps({"blocked": bool(blocked), "detail": str(detail)[:2000]}), flush=True)


def syscall(number, *arguments):
    """The result and the errno's name, or "ok"."""
    ctypes.set_errno(0)
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *converted)
    code = ctypes.get_errno()
    return result, ("ok" if result != -1 else errno.errorcode.get(code, str(code)))


def outcome(action):
    """What an action ends with: "ok" or the name of its error."""
    try:
        action()
        return "ok"
    except OSError as failure:
        return errno.errorcode.get(failure.errno, str(failure.errno))


def judge_calls(calls, refused=REFUSED):
    """One verdict over several system calls, given as {label: (number, arguments...)}."""
    outcomes = {label: syscall(*call)[1] for label, call in calls.items()}
    verdict(set(outcomes.values()) <= set(refused), outcomes)


def judge_actions(actions, allowed=()):
    """One verdict over several actions, given as {label: callable}: none may succeed."""
    outcomes = {label: outcome(action) for label, action in actions.items()}
    verdict(all(o != "ok" and (not allowed or o in allowed) for o in outcomes.values()), outcomes)


def read_some(path, size=64):
    with open(path, "rb") as file:
        data = file.read(size)
    if not data:
        raise OSError(errno.ENODATA, "empty")
    return data


def write_some(path, data=b"1"):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def in_child(action):
    """Run an action in a fork, for actions that may kill; the wait status comes back."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def channel_sockets():
    """Every socket that this process holds without having opened it."""
    found = []
    for descriptor in range(3, 1024):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                found.append(descriptor)
        except OSError:
            pass
    return found


def frame(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return len(body).to_bytes(4, "big") + body


def send_everywhere(data, to_pipes=False):
    """Write to every channel that can be found; errors are part of the game."""
    for descriptor in channel_sockets():
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:
            pass


