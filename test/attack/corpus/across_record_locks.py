import fcntl, struct
seen = {}
for path in ("/etc/passwd", "/etc/hosts", json.__file__):
    descriptor = os.open(path, os.O_RDONLY)
    for label, command in (("record", fcntl.F_GETLK), ("open file", 36)):
        answer = fcntl.fcntl(descriptor, command, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        if struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK:
            seen[f"{path} {label}"] = answer.hex()
    try:
        if fcntl.fcntl(descriptor, fcntl.F_GETLEASE) != fcntl.F_UNLCK:
            seen[f"{path} lease"] = "held"
    except PermissionError:
        pass  # Whoever cannot ask learns nothing.
verdict(not seen, seen)
