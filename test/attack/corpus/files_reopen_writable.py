# CVE-2019-5736: a descriptor of a read-only file opened again for writing through /proc/self/fd.
actions = {}
for path in ("/proc/self/exe", "/usr/bin/python3.13", json.__file__, "/etc/passwd", "/usr/lib/x86_64-linux-gnu/libc.so.6"):
    descriptor = os.open(path, 0o10000000)  # O_PATH
    for label, flags in (("rw", os.O_RDWR), ("w", os.O_WRONLY), ("trunc", os.O_WRONLY | os.O_TRUNC), ("append", os.O_WRONLY | os.O_APPEND)):
        actions[f"{path} {label}"] = lambda d=descriptor, flags=flags: os.open(f"/proc/self/fd/{d}", flags)
    actions[f"{path} truncate"] = lambda path=path: os.truncate(path, 0)
    actions[f"{path} chmod"] = lambda path=path: os.chmod(path, 0o777)
    actions[f"{path} utime"] = lambda path=path: os.utime(path)
judge_actions(actions)
