found = []
for top in ("/run", "/var/run", "/tmp", "/dev", "/workspace"):
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                found.append(path)
for path in ("/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/systemd/private", "/run/dbus/system_bus_socket"):
    if os.path.exists(path):
        found.append(path)
# Abstract names are seen in the network namespace only, which must be the guest's own.
abstract = [line.split()[-1] for line in open("/proc/net/unix").read().splitlines()[1:] if "@" in line.split()[-1]]
verdict(not found and not abstract, [found, abstract])
