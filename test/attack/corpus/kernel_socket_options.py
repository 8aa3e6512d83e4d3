# Options that load or reach protocol modules.
tcp = socket.socket()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
judge_actions(
    {
        "TCP_ULP": lambda: tcp.setsockopt(socket.IPPROTO_TCP, 31, b"tls\0"),
        "UDP_ENCAP": lambda: udp.setsockopt(17, 100, 2),
        "SO_ATTACH_FILTER": lambda: tcp.setsockopt(socket.SOL_SOCKET, 26, bytes(16)),
    },
    ("EPERM",),
)
