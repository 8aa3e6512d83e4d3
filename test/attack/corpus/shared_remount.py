# A folder that is shared read-only, made writable, moved, copied or taken away to see what lies below.
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE = 1, 32, 4096, 8192
place = b"/data/reference"
judge_calls(
    {
        "remount": (165, b"none", place, b"none", MS_REMOUNT | MS_BIND, 0),
        "bind": (165, place, b"/workspace", b"none", MS_BIND, 0),
        "move": (165, place, b"/workspace", b"none", MS_MOVE, 0),
        "over it": (165, b"tmpfs", place, b"tmpfs", 0, 0),
        "umount": (166, place, 2),
        "open_tree": (428, -100, place, 1),
        "mount_setattr": (442, -100, place, 0, b"\0" * 32, 32),
    }
)
