found = [path for path in ("/workspace", "/tmp", "/dev/shm", "/var/tmp", "/run", "/run/lock", "/dev/mqueue") if os.path.exists(f"{path}/gbx-trace")]
verdict(not found, found)
