visible = [path for path in [*FORBIDDEN_PATHS, "/run/glovebox", "/.dockerenv", "/lost+found"] if os.path.lexists(path)]
contents = {}
for path in ("/root", "/home", "/mnt", "/media", "/srv", "/boot", "/var/lib/glovebox"):
    try:
        names = os.listdir(path)
        if path == "/mnt" and os.readlink("/mnt/data") == "/workspace":
            names.remove("data")  # Another name of the session's own workspace.
        if names:
            contents[path] = names[:5]
    except OSError:
        pass
verdict(not visible and not contents, [visible, contents])
