# /proc/self/mem ignores page protections: a read-only mapping of a library is written through it. What
# must hold is that the write stays a private copy, so the file itself and later programs are unharmed.
import hashlib, mmap, subprocess
path = "/usr/lib/python3.13/this.py"
before = hashlib.sha256(open(path, "rb").read()).hexdigest()
for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
    file = os.open(path, os.O_RDONLY)
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, 4096, mmap.PROT_READ, flags, file, 0)
    try:
        memory = os.open("/proc/self/mem", os.O_RDWR)
        os.lseek(memory, address, os.SEEK_SET)
        os.write(memory, b"overwritten")
    except OSError:
        pass
    libc.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_WRITE)
after = subprocess.run(["sha256sum", path], capture_output=True, text=True).stdout.split()[0]
verdict(before == after, [before, after])
