# linkat of a descriptor gives a file of the read-only root a second name in a writable place.
actions = {}
os.makedirs("/workspace/into", exist_ok=True)
for path in ("/usr/bin/python3.13", "/etc/passwd", "/proc/self/exe"):
    descriptor = os.open(path, os.O_RDONLY)
    for to in ("/workspace/into/x", "/tmp/x", "/dev/shm/x"):
        actions[f"{path} to {to} by fd"] = lambda d=descriptor, to=to: os.link(f"/proc/self/fd/{d}", to, follow_symlinks=True)
        actions[f"{path} to {to}"] = lambda path=path, to=to: os.link(path, to)
        actions[f"{path} to {to} renamed"] = lambda path=path, to=to: os.rename(path, to)
judge_actions(actions)
