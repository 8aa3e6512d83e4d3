# The same without end, from children as well, so that an idle session costs the gateway.
import threading
block = frame({"msg_type": "stream", "content": {"name": "stdout", "text": "x" * 60_000}})
def talk():
    while True:
        send_everywhere(block)
for _ in range(3):
    threading.Thread(target=talk, daemon=True).start()
for _ in range(3):
    if os.fork() == 0:
        talk()
