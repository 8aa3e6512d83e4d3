from multiprocessing.shared_memory import SharedMemory

try:
    gbx_memory = SharedMemory("gbx_trace", create=True, size=100)
    gbx_memory.buf[0] = 7
except OSError:
    pass
