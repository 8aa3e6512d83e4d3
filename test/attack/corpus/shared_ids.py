# A writable folder: files of root, of others, with rights of their own, and devices must not come of it.
folder = "/data/results"
path = f"{folder}/mine"
with open(path, "w") as file:
    file.write("#!/bin/sh\nid\n")


def run_it():
    os.chmod(path, 0o755)
    os.execv(path, [path])


judge_actions(
    {
        "give to root": lambda: os.chown(path, 0, 0),
        "give to a stranger": lambda: os.chown(path, 1, 1),
        "give to the warden": lambda: os.chown(path, 999, -1),
        "another's file": lambda: write_some(f"{folder}/roots.txt"),
        "another's mode": lambda: os.chmod(f"{folder}/roots.txt", 0o777),
        "disk": lambda: os.mknod(f"{folder}/disk", stat.S_IFBLK | 0o666, os.makedev(254, 0)),
        "memory": lambda: os.mknod(f"{folder}/memory", stat.S_IFCHR | 0o666, os.makedev(1, 1)),
        "set-uid": lambda: os.chmod(path, 0o4755),
        "set-gid": lambda: os.chmod(path, 0o2755),
        "set-uid by descriptor": lambda: os.fchmod(os.open(path, os.O_RDONLY), 0o4755),
        "set-uid from the start": lambda: os.close(os.open(f"{folder}/s", os.O_CREAT | os.O_WRONLY, 0o4755)),
        "set-uid without a name": lambda: os.close(os.open(folder, 0o20200000 | os.O_WRONLY, 0o4755)),
        "set-uid node": lambda: os.mknod(f"{folder}/n", stat.S_IFREG | 0o4755),
        "capabilities": lambda: os.setxattr(path, "security.capability", b"\x01\0\0\x02" + b"\xff" * 16),
        "run": run_it,
    }
)
