# The new mount interface came with system calls that old deny-lists do not know.
judge_calls(
    {
        "fsopen": (430, b"tmpfs", 0),
        "fsconfig": (431, -1, 0, 0, 0, 0),
        "fsmount": (432, -1, 0, 0),
        "fspick": (433, -100, b"/", 0),
        "move_mount": (429, -100, b"/tmp", -100, b"/workspace", 0),
        "open_tree": (428, -100, b"/", 1),
        "mount_setattr": (442, -100, b"/", 0, ctypes.create_string_buffer(4096), 32),
    },
)
