message = frame({"msg_type": "stream", "content": {"name": "stdout", "text": "x" * 60_000}})
while True:
    send_everywhere(message)
