found = {}
for directory, _, names in os.walk("/sys"):
    for name in names:
        if name in ("release_agent", "notify_on_release", "cgroup.procs", "memory.limit_in_bytes", "memory.max", "pids.max", "cpu.cfs_quota_us", "uevent_helper"):
            path = os.path.join(directory, name)
            result = outcome(lambda path=path: os.close(os.open(path, os.O_WRONLY)))
            if result == "ok":
                found[path] = result
groups = [line.split(":", 2)[2] for line in open("/proc/self/cgroup").read().splitlines()]
named = [group for group in groups if "glovebox" in group]
verdict(not found and not named, [found, named])
