# PID 1 is ours and not the user's: nothing of it may be read, entered or written.
judge_actions(
    {
        "root": lambda: os.listdir("/proc/1/root/"),
        "cwd": lambda: os.listdir("/proc/1/cwd/"),
        "fd": lambda: [os.readlink(f"/proc/1/fd/{n}") for n in os.listdir("/proc/1/fd")],
        "fd 0": lambda: os.open("/proc/1/fd/0", os.O_RDWR),
        "environ": lambda: read_some("/proc/1/environ"),
        "mem": lambda: os.open("/proc/1/mem", os.O_RDWR),
        "maps": lambda: read_some("/proc/1/maps"),
        "exe": lambda: os.readlink("/proc/1/exe"),
        "auxv": lambda: read_some("/proc/1/auxv"),
        "stack": lambda: read_some("/proc/1/stack"),
        "syscall": lambda: read_some("/proc/1/syscall"),
        "task mem": lambda: os.open("/proc/1/task/1/mem", os.O_RDONLY),
        "oom_score_adj": lambda: write_some("/proc/1/oom_score_adj", b"1000"),
        "map_files": lambda: os.listdir("/proc/1/map_files"),
    }
)
