# What waits in sockets of the sandbox's own loopback is memory of the host.
queued, pairs = 0, []
listener = socket.create_server(("127.0.0.1", 0), backlog=100)
chunk = bytes(1 << 20)
try:
    for _ in range(100):
        client = socket.create_connection(listener.getsockname(), timeout=2)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        peer, _ = listener.accept()
        pairs.append((client, peer))
        client.setblocking(False)
        try:
            while True:
                queued += client.send(chunk)
        except BlockingIOError:
            pass
        if queued > 512 << 20:
            break
except OSError:
    pass
verdict(queued <= 512 << 20, f"{queued >> 20} MiB queued")
