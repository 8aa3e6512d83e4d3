actions = {}
for directory in ("/workspace", "/tmp", "/tmp/home", "/dev/shm", "/dev"):
    for name, mode, device in (("mem", stat.S_IFCHR, (1, 1)), ("disk", stat.S_IFBLK, (254, 0)), ("sda", stat.S_IFBLK, (8, 0))):
        path = f"{directory}/gbx-{name}"
        actions[path] = lambda path=path, mode=mode, device=device: os.mknod(path, mode | 0o666, os.makedev(*device))
judge_actions(actions)
