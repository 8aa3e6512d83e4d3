# Every mount: nosuid everywhere, writable only where promised, and nothing that names the host.
rows = [line.split() for line in open("/proc/self/mountinfo").read().splitlines()]
bad = []
for row in rows:
    options, fstype, source, super_options = row[5].split(","), row[row.index("-") + 1], row[row.index("-") + 2], row[row.index("-") + 3]
    if "nosuid" not in options:
        bad.append(["suid", row[4]])
    if "ro" not in options and not super_options.startswith("ro") and row[4] not in ("/workspace", "/tmp", "/tmp/home", "/dev/shm", "/proc"):
        bad.append(["writable", row[4]])
    if "nodev" not in options and not row[4].startswith("/dev") and fstype != "tmpfs":
        bad.append(["dev", row[4]])
    if fstype not in ("overlay", "tmpfs", "proc") or "upperdir" in super_options or source.startswith("/"):
        bad.append(["source", row])
    if any(path in " ".join(row) for path in FORBIDDEN_PATHS) or "shared:" in " ".join(row) or "master:" in " ".join(row):
        bad.append(["host", row])
verdict(not bad, bad)
