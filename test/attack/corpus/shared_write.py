# Every way to change a folder that is shared read-only.
folder = "/data/reference"
file = f"{folder}/public.txt"
O_TMPFILE = 0o20200000


def map_and_write():
    import mmap

    descriptor = os.open(file, os.O_RDONLY)
    mmap.mmap(descriptor, 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE)


def reopen_by_descriptor():
    descriptor = os.open(file, os.O_RDONLY)
    os.close(os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY))


readable = read_some(file)
judge_actions(
    {
        "create": lambda: os.close(os.open(f"{folder}/new", os.O_CREAT | os.O_WRONLY)),
        "unnamed": lambda: os.close(os.open(folder, O_TMPFILE | os.O_WRONLY)),
        "write": lambda: write_some(file),
        "truncate": lambda: os.truncate(file, 0),
        "remove": lambda: os.unlink(file),
        "rename": lambda: os.rename(file, f"{folder}/other"),
        "make": lambda: os.mkdir(f"{folder}/new"),
        "link": lambda: os.symlink("/etc/passwd", f"{folder}/new"),
        "hard link": lambda: os.link(file, f"{folder}/new"),
        "chmod": lambda: os.chmod(file, 0o777),
        "chown": lambda: os.chown(file, 1000, 1000),
        "times": lambda: os.utime(file, (0, 0)),
        "fifo": lambda: os.mkfifo(f"{folder}/new"),
        "map": map_and_write,
        "reopen": reopen_by_descriptor,
        "beside it": lambda: os.mkdir("/data/new"),
        "replace it": lambda: os.rename(folder, "/data/other"),
    }
)
