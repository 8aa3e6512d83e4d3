# A module is the kernel.
judge_calls(
    {
        "init_module": (175, ctypes.create_string_buffer(4096), 16, b""),
        "finit_module": (313, 0, b"", 0),
        "delete_module": (176, b"dummy", 0),
    },
)
