# What the privileged side was started with shows in the command line and environment that forks inherit.
text = b""
for name in ("cmdline", "environ", "auxv", "stat", "cgroup", "maps", "mountinfo"):
    try:
        text += open(f"/proc/self/{name}", "rb").read()
    except OSError:
        pass
words = [path.encode() for path in FORBIDDEN_PATHS] + [b"AUTH_TOKEN", b"keeper.sock", b"guest.sock", b"/glovebox/"]
verdict(not [word for word in words if word in text.replace(b"/opt/glovebox/", b"")], [word.decode() for word in words if word in text])
