import mmap

region = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
for offset in range(0, 1 << 40, 1 << 21):
    region[offset] = 1
