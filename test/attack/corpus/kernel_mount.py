# Every mount call, from the old interface.
judge_calls(
    {
        "tmpfs": (165, b"tmpfs", b"/workspace", b"tmpfs", 0, 0),
        "proc": (165, b"proc", b"/tmp", b"proc", 0, 0),
        "bind": (165, b"/", b"/tmp", 0, 4096, 0),
        "remount": (165, b"none", b"/", 0, 32, 0),
        "umount": (166, b"/proc", 2),
        "pivot_root": (155, b".", b"."),
        "chroot": (161, b"/workspace"),
    },
)
