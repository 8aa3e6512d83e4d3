# io_uring is the richest source of kernel exploits of the last years.
judge_calls(
    {
        "io_uring_setup": (425, 8, ctypes.create_string_buffer(4096)),
        "io_uring_enter": (426, 0, 1, 1, 0, 0, 0),
        "io_uring_register": (427, 0, 0, 0, 0),
    },
)
