# Performance events leak addresses and have been a way to root.
judge_calls(
    {
        "software": (298, ctypes.create_string_buffer(4096), 0, -1, -1, 0),
        "hardware": (298, ctypes.create_string_buffer(4096), -1, 0, -1, 0),
    },
)
