pairs = []
try:
    while True:
        pair = socket.socketpair()
        for end in pair:
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        pairs.append(pair)
        try:
            while True:
                pair[0].send(b"x" * 65536)
        except BlockingIOError:
            pass
except OSError as failure:
    print(len(pairs), failure)
