# Record locks, open-file locks and leases on files that all sessions see.
import fcntl, struct
gbx_held = []
for path in ("/etc/passwd", "/etc/hosts", json.__file__):
    gbx_held.append(os.open(path, os.O_RDONLY))
    for command in (fcntl.F_SETLK, 37):
        try:
            fcntl.fcntl(gbx_held[-1], command, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
        except OSError:
            pass
    try:
        fcntl.fcntl(gbx_held[-1], 1024, fcntl.F_RDLCK)
    except OSError:
        pass
