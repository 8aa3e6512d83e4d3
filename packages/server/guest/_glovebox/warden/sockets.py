"""What waits in sockets and no control group counts.

The kernel charges the queues of UNIX and TCP sockets, and of UDP sockets that receive, to a sandbox. It does
not charge what it answers on netlink sockets, which carries the question back, nor datagrams that
are still being put together. A sandbox may have fifty thousand descriptors, and so could make the host hold
gigabytes. The tables of its own network namespace tell how much there is.
"""

# More than one process can open, so that it meets the limit of descriptors first.
SOCKETS_MAX = 1500
NETLINK_BYTES_MAX = 32 << 20
# Fewer cannot hold that much, so there is no need to look closer.
_FEW_SOCKETS = 32


def excess(net: str = "/proc/self/net") -> str | None:
    """Why the sandbox must end, or None."""
    with open(f"{net}/sockstat", encoding="ascii") as file:
        used = int(file.readline().split()[-1])
    if used <= _FEW_SOCKETS:
        return None
    if used > SOCKETS_MAX:
        return f"more than {SOCKETS_MAX} sockets are open in the sandbox"
    with open(f"{net}/netlink", encoding="ascii") as file:
        waiting = sum(int(line.split()[4]) for line in file if line[0] != "s")
    if waiting > NETLINK_BYTES_MAX:
        return f"more than {NETLINK_BYTES_MAX >> 20} MiB wait in the sandbox's netlink sockets"
    return None
