# Descriptors of namespaces, of PID 1 and one's own, must neither open usefully nor be joinable.
outcomes = {}
for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
    for pid in ("1", "self"):
        try:
            descriptor = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        except OSError as failure:
            outcomes[f"{pid}/{name}"] = "EACCES" if failure.errno == errno.ENOENT else errno.errorcode[failure.errno]
        else:
            outcomes[f"{pid}/{name}"] = syscall(308, descriptor, 0)[1]
outcomes["bad descriptor"] = syscall(308, -1, 0)[1]
verdict(set(outcomes.values()) <= REFUSED, outcomes)
