# Where memory lies in the machine (rowhammer, side channels): pagemap must give no frame numbers.
import mmap
region = mmap.mmap(-1, 4096)
region[0] = 1
address = ctypes.addressof(ctypes.c_char.from_buffer(region))
try:
    with open("/proc/self/pagemap", "rb", buffering=0) as file:
        file.seek(address // 4096 * 8)
        frame_number = int.from_bytes(file.read(8), "little") & ((1 << 55) - 1)
except OSError as failure:
    frame_number = 0
verdict(frame_number == 0, hex(frame_number))
