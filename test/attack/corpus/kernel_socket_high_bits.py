# The kernel takes an int; bits above it must not blind the filter.
judge_calls(
    {f"bit {bit}": (41, 38 | 1 << bit, 5, 0) for bit in (32, 40, 62)} | {"pair": (53, 38, 5, 0, 0)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
