# A thread in C that never lets the interpreter's lock go: the main thread sees no signal.
import threading
libpython = ctypes.PyDLL(None)
threading.Thread(target=lambda: libpython.usleep(60_000_000)).start()
threading.Thread(target=lambda: [libpython.usleep(60_000_000) for _ in range(100)]).start()
while True:
    pass
