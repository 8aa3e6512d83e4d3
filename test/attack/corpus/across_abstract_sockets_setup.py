gbx_listener = socket.socket(socket.AF_UNIX)
gbx_listener.bind("\0gbx-trace")
gbx_listener.listen()
