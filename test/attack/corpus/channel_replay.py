message = frame({"msg_type": "execute_reply", "content": {"status": "ok"}, "parent_id": 1, "id": 2})
send_everywhere(message * 20_000)
