while True:
    send_everywhere(b"\0\0\0\0" * 10_000)
