message = frame(b"{}") * 10_000
while True:
    send_everywhere(message)
