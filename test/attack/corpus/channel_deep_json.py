send_everywhere(frame(b'{"msg_type":"stream","content":' + b"[" * 200_000 + b"]" * 200_000 + b"}"))
