# Futexes with priority inheritance, each operation with and without its flags.
word = ctypes.create_string_buffer(64)
other = ctypes.create_string_buffer(64)
operations = {"LOCK_PI": 6, "UNLOCK_PI": 7, "TRYLOCK_PI": 8, "WAIT_REQUEUE_PI": 11, "CMP_REQUEUE_PI": 12, "LOCK_PI2": 13}
judge_calls(
    {
        f"{name} {flags:#x}": (202, word, number | flags, 1, 0, other, 0)
        for name, number in operations.items()
        for flags in (0, 128, 256, 384, 1 << 40)
    },
    refused={"EPERM"},
)
