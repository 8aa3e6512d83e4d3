import time

send_everywhere((1000).to_bytes(4, "big") + b'{"msg_type"')
time.sleep(60)
