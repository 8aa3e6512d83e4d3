for descriptor in channel_sockets():
    try:
        socket.socket(fileno=os.dup(descriptor)).shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
