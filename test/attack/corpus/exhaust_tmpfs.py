results = {}
for path in ("/workspace", "/tmp", "/dev/shm"):
    if not os.path.isdir(path):
        continue
    written = 0
    try:
        with open(f"{path}/fill", "wb", buffering=0) as file:
            while written < 300 << 20:
                written += file.write(b"x" * (1 << 20))
        results[path] = "unbounded"
    except OSError as failure:
        results[path] = errno.errorcode[failure.errno]
    try:
        os.unlink(f"{path}/fill")
    except OSError:
        pass
verdict(set(results.values()) <= {"ENOSPC", "EROFS", "EACCES", "EDQUOT"}, results)
