# Clocks are the host's: a changed one breaks every time-out and certificate on it.
now = (ctypes.c_int64 * 2)(1, 0)
change = ctypes.create_string_buffer(256)
ctypes.memmove(change, (1).to_bytes(4, "little"), 4)
judge_calls(
    {
        "clock_settime": (227, 0, now),
        "settimeofday": (164, now, 0),
        "adjtimex": (159, change),
        "clock_adjtime": (305, 0, change),
    }
)
