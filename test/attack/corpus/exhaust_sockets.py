# Sockets in every process, each with a datagram that is never finished (MSG_MORE).
import time
target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
target.bind(("127.0.0.1", 0))
for _ in range(40):
    if os.fork() == 0:
        break
held = []
try:
    while True:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.connect(target.getsockname())
        one.setblocking(False)
        for _ in range(60):
            one.send(b"x" * 1024, socket.MSG_MORE)
        held.append(one)
except OSError:
    pass
time.sleep(60)
