# Packet and raw sockets, the classics of container escapes.
judge_calls(
    {
        "packet raw": (41, 17, 3, 0x0300),
        "packet datagram": (41, 17, 2, 0x0300),
        "inet raw": (41, 2, 3, 255),
        "inet6 raw": (41, 10, 3, 58),
        "inet icmp raw": (41, 2, 3, 1),
    },
    refused=REFUSED | {"EAFNOSUPPORT", "EPROTONOSUPPORT"},
)
