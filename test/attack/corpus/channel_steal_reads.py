# A thread that reads the socket forever takes the next requests of this session, and of no other.
import threading


def steal():
    for descriptor in channel_sockets():
        try:
            os.set_blocking(descriptor, True)
            os.read(descriptor, 65536)
        except OSError:
            pass


for _ in range(4):
    threading.Thread(target=steal, daemon=True).start()
