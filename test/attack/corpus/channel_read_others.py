# Whatever can be read from the channel while a run is on belongs to nobody else.
seen = []
for descriptor in channel_sockets():
    try:
        peer = socket.socket(fileno=os.dup(descriptor))
        seen.append(peer.recv(65536, socket.MSG_DONTWAIT | socket.MSG_PEEK))
    except (OSError, ValueError):
        pass
verdict(not any(NEIGHBOUR.encode() in data for data in seen), [len(data) for data in seen])
