# Each of these is attack surface and nothing else here.
judge_calls(
    {
        "iopl": (172, 3),
        "ioperm": (173, 0x80, 1, 1),
        "modify_ldt": (154, 1, ctypes.create_string_buffer(4096), 16),
        "syslog": (103, 3, ctypes.create_string_buffer(4096), 4096),
        "quotactl": (179, 0, 0, 0, 0),
        "fanotify_init": (300, 0, 0),
        "vmsplice": (278, -1, 0, 0, 0),
        "move_pages": (279, 0, 0, 0, 0, 0, 0),
        "get_mempolicy": (239, 0, 0, 0, 0, 0),
        "migrate_pages": (256, 0, 0, 0, 0),
        "lookup_dcookie": (212, 0, 0, 0),
        "sethostname": (170, b"evil", 4),
        "setdomainname": (171, b"evil", 4),
        "vhangup": (153,),
        "memfd_secret": (447, 0),
        "remap_file_pages": (216, 0, 0, 0, 0, 0),
        "mq_open": (240, b"gbx", 66, 0o600, 0),
    },
)
