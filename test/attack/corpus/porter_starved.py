import threading
import time

# All processes, all memory, all room and all names, while the suite asks for a file.
children = []
try:
    while True:
        child = os.fork()
        if child == 0:
            while True:
                pass
        children.append(child)
except OSError:
    pass
kept = []
end = time.monotonic() + 4
try:
    while time.monotonic() < end:
        kept.append(bytearray(4 << 20))
except MemoryError:
    pass
while time.monotonic() < end:
    time.sleep(0.05)
