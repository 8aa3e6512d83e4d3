visible = [path for path in [*FORBIDDEN_PATHS, "/run/glovebox", "/.dockerenv", "/lost+found"] if os.path.lexists(path)]
contents = {}
for path in ("/root", "/home", "/mnt", "/media", "/srv", "/boot", "/var/lib/glovebox"):
    try:
        if os.listdir(path):
            contents[path] = os.listdir(path)[:5]
    except OSError:
        pass
verdict(not visible and not contents, [visible, contents])
