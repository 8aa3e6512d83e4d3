wrong = {}
for path in ("/workspace", "/tmp", "/tmp/home", "/dev/shm", "/dev", "/proc"):
    if not os.path.isdir(path):
        continue
    flags = os.statvfs(path).f_flag
    if not flags & os.ST_NOSUID:
        wrong[path] = "suid"
    if path in ("/workspace", "/tmp", "/tmp/home", "/dev/shm") and not flags & os.ST_NODEV:
        wrong[path] = "dev"
if not os.statvfs("/").f_flag & os.ST_RDONLY:
    wrong["/"] = "writable"
verdict(not wrong, wrong)
