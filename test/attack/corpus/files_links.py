# The links themselves may exist; what they point to must not become reachable.
judge_actions(
    {
        "hard link": lambda: os.link("/etc/passwd", "/workspace/hard"),
        "symbolic link to init": lambda: (os.symlink("/proc/1/root/etc/shadow", "/workspace/s1"), read_some("/workspace/s1")),
        "symbolic link to mem": lambda: (os.symlink("/proc/1/mem", "/workspace/s2"), os.open("/workspace/s2", os.O_RDWR)),
        "dots": lambda: (os.symlink("../../../../../../../proc/1/environ", "/workspace/s3"), read_some("/workspace/s3")),
    }
)
