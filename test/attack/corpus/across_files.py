found = [path for path in ("/workspace", "/tmp", "/tmp/home", "/dev/shm", "/var/tmp", "/run", "/run/lock", "/dev/mqueue") if os.path.exists(f"{path}/gbx-trace")]
verdict(not found, found)
