# NETLINK_ROUTE is number 0 and allowed, because getifaddrs needs it; all others are closed.
judge_calls(
    {f"protocol {p}": (41, 16, 3, p) for p in range(1, 24)} | {"high bits": (41, 16, 3, 12 | 1 << 32)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
