# The pid namespace holds the warden, this kernel and its helpers; everything else would be a leak.
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
known = {os.getpid(), os.getppid(), 1}
strangers = []
for pid in set(pids) - known:
    try:
        if os.stat(f"/proc/{pid}").st_uid not in (os.getuid(), os.stat("/proc/self").st_uid):
            strangers.append(pid)
    except OSError:
        pass
verdict(len(pids) < 10 and len(strangers) <= 2, {"pids": pids, "strangers": strangers})
