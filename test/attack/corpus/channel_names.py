# What the kernel says of the other end: its address would tell the instance, its pidfd would be the gateway's process.
SO_PEERPIDFD = 77
told = []
for descriptor in channel_sockets():
    peer = socket.socket(fileno=os.dup(descriptor))
    told += [peer.getpeername(), peer.getsockname(), os.readlink(f"/proc/self/fd/{descriptor}")]
    got = outcome(lambda: peer.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
    told.append(f"/pidfd {got}" if got != "EPERM" else got)
verdict(told and not any("/" in name for name in told), told)
