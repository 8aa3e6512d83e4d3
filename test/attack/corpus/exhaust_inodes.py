results = {}
for path in ("/workspace", "/tmp", "/tmp/home", "/dev/shm"):
    if not os.path.isdir(path):
        continue
    count = 0
    try:
        while count < 300_000:
            os.close(os.open(f"{path}/{count}", os.O_CREAT | os.O_WRONLY))
            count += 1
        results[path] = "unbounded"
    except OSError as failure:
        results[path] = errno.errorcode[failure.errno]
verdict(set(results.values()) <= {"ENOSPC", "EROFS", "EACCES", "EDQUOT"}, results)
