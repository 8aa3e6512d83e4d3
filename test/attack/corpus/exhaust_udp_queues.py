# Datagrams that nobody reads, in many sockets of the own loopback.
held, queued = [], 0
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    while len(held) < 900:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        one.bind(("127.0.0.1", 0))
        held.append(one)
        for _ in range(20):
            sender.sendto(b"x" * 60_000, one.getsockname())
except OSError:
    pass
for one in held:
    one.setblocking(False)
    try:
        while True:
            queued += len(one.recv(65_536))
    except OSError:
        pass
verdict(queued < 256 << 20, f"{queued >> 20} MiB queued")
