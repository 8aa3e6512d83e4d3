def through_memory():
    # A private mapping made writable through /proc/self/mem must not reach the file.
    import mmap

    with open("/etc/passwd", "rb") as file:
        view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_SHARED)
        view[0:1] = b"X"


judge_actions(
    {
        "self exe": lambda: os.open("/proc/self/exe", os.O_WRONLY),
        "self exe truncate": lambda: os.truncate("/proc/self/exe", 0),
        "init exe": lambda: os.open("/proc/1/exe", os.O_WRONLY),
        "reopen descriptor": lambda: os.open(f"/proc/self/fd/{os.open('/etc/passwd', os.O_RDONLY)}", os.O_WRONLY),
        "shared mapping": through_memory,
    }
)
