# Page tables and mapping records by many small mappings in many processes.
import mmap
for _ in range(20):
    if os.fork() == 0:
        break
regions = []
try:
    while True:
        region = mmap.mmap(-1, 8192)
        region[0] = 1
        libc.mprotect(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(region))), 4096, mmap.PROT_READ)
        regions.append(region)
except (OSError, MemoryError):
    pass
import time
time.sleep(30)
