# Splice a page of a read-only file into a pipe, write after it, and see whether the file changed.
path = "/etc/passwd"
before = open(path, "rb").read(64)
read_end, write_end = os.pipe()
detail = []
try:
    for _ in range(16):
        os.write(write_end, b"x" * 4096)
    for _ in range(16):
        os.read(read_end, 4096)
    source = os.open(path, os.O_RDONLY)
    offset = ctypes.c_int64(1)
    detail.append(syscall(275, source, ctypes.byref(offset), write_end, 0, 1, 0))
    os.write(write_end, b"GBX-DIRTY")
except OSError as failure:
    detail.append(str(failure))
after = open(path, "rb").read(64)
verdict(before == after and b"GBX-DIRTY" not in after, detail)
