values = [None, [], {}, -1, 1e308, "x" * 1000, True, {"__proto__": {"polluted": 1}}, [[[[]]]]]
for kind in ("stream", "display_data", "execute_result", "error", "status", "execute_reply", "warden_ready", "drained", "pump", "__proto__", "constructor", 5):
    for value in values:
        send_everywhere(frame({"msg_type": kind, "content": value}))
        send_everywhere(frame({"msg_type": kind, "content": {"name": value, "text": value, "data": value, "status": value}}))
send_everywhere(frame(b"null") + frame(b"[]") + frame(b"17") + frame(b'"text"') + frame(b""))
