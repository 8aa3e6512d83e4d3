# Whatever a descriptor is called, ".." from it must never lead out of this root.
root = (os.stat("/").st_dev, os.stat("/").st_ino)
escapes = []
for descriptor in range(0, 1024):
    try:
        found = os.open("../../../../../../../../..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
    except OSError:
        continue
    status = os.fstat(found)
    if (status.st_dev, status.st_ino) != root:
        escapes.append((descriptor, sorted(os.listdir(found))[:5]))
    os.close(found)
verdict(not escapes, escapes)
