"""What keeper and zygote agree on. Apart from both, so that the keeper loads none of the zygote's code."""

import socket
import struct

# Descriptors that come with every fork request, in this order; control group entrances follow.
DESCRIPTORS = (
    "warden", "built", "report",
    "connection", "lock", "stdout_read", "stdout", "stderr_read", "stderr",
)  # fmt: skip
MESSAGE_BYTES_MAX = 16384
# Where the keeper puts its connection before it starts the zygote's program.
KEEPER_DESCRIPTOR = 3

_DESCRIPTOR = struct.Struct("i")


def receive(connection: socket.socket, descriptors_max: int) -> tuple[bytes, list[int]]:
    """A message and what came with it, which no program that is executed gets. By recvmsg, as
    socket.recv_fds() passes no flags on."""
    found: list[int] = []
    room = socket.CMSG_SPACE(descriptors_max * _DESCRIPTOR.size)
    data, ancillary, _, _ = connection.recvmsg(MESSAGE_BYTES_MAX, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            whole = len(content) - len(content) % _DESCRIPTOR.size
            found += [number for (number,) in _DESCRIPTOR.iter_unpack(content[:whole])]
    return data, found
