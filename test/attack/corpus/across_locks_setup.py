import fcntl

gbx_locked = []
for path in ("/etc/passwd", "/usr/bin/python3", "/etc/hosts", os.__file__, json.__file__):
    try:
        gbx_locked.append(open(path))
        fcntl.flock(gbx_locked[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pass
