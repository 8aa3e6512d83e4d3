for path in ("/workspace", "/tmp", "/tmp/home", "/dev/shm", "/var/tmp", "/run", "/run/lock", "/dev/mqueue"):
    try:
        open(f"{path}/gbx-trace", "w").write("x")
        os.chmod(f"{path}/gbx-trace", 0o777)
    except OSError:
        pass
