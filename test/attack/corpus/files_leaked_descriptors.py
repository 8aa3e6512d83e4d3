# Directories, devices and files that were open before user code came are the way runc fell.
suspicious = {}
for name in os.listdir("/proc/self/fd"):
    try:
        target = os.readlink(f"/proc/self/fd/{name}")
        mode = os.fstat(int(name)).st_mode
    except OSError:
        continue
    ours = target in ("/dev/null", "/dev/zero", "/dev/urandom") or target.startswith(("/tmp", "/workspace", "/proc"))
    if stat.S_ISDIR(mode) and not target.startswith(("/proc", "/workspace")):
        suspicious[name] = target
    elif stat.S_ISBLK(mode) or (stat.S_ISREG(mode) and not ours and not os.path.exists(target)):
        # An unlinked file that is ours shows as deleted; a host path does not exist in here.
        if "(deleted)" not in target and not target.startswith("/memfd:"):
            suspicious[name] = target
    if any(path in target for path in FORBIDDEN_PATHS):
        suspicious[name] = target
verdict(not suspicious, suspicious)
