client = socket.socket(socket.AF_UNIX)
verdict(outcome(lambda: client.connect("\0gbx-trace")) != "ok", "connect")
