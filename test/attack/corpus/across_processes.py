found = []
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            if b"73.73" in open(f"/proc/{name}/cmdline", "rb").read():
                found.append(name)
        except OSError:
            pass
verdict(not found, found)
