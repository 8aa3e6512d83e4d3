found = {}
for name in ("mountinfo", "mounts", "mountstats", "cgroup", "maps", "environ", "cmdline"):
    try:
        text = open(f"/proc/self/{name}", errors="replace").read()
    except OSError:
        continue
    hits = [path for path in [*FORBIDDEN_PATHS, "/var/lib/", "/run/glovebox"] if path in text]
    if hits:
        found[name] = [line for line in text.splitlines() if hits[0] in line][:2]
verdict(not found, found)
