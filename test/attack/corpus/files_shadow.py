found = []
for path in ("/etc/shadow", "/etc/shadow-", "/etc/gshadow"):
    try:
        if any("$" in line.split(":")[1] for line in open(path) if ":" in line):
            found.append(path)
    except OSError:
        pass
for path in ("/etc/ssh", "/root/.ssh", "/etc/machine-id"):
    try:
        if os.path.isdir(path) and any("key" in name for name in os.listdir(path)):
            found.append(path)
    except OSError:
        pass
verdict(not found, found)
