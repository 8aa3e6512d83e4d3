# Requests that change terminals, files, interfaces and namespaces, on descriptors of every kind.
import fcntl

requests = {
    "TIOCSTI": 0x5412,
    "TIOCSETD": 0x5423,
    "TIOCLINUX": 0x541C,
    "TIOCCONS": 0x541D,
    "TIOCSCTTY": 0x540E,
    "TIOCGPTPEER": 0x5441,
    "FIFREEZE": 0xC0045877,
    "FITRIM": 0xC0185879,
    "FS_IOC_SETFLAGS": 0x40086602,
    "FS_IOC_FSSETXATTR": 0x401C5820,
    "FICLONERANGE": 0x4020940D,
    "FIDEDUPERANGE": 0xC0189436,
    "NS_GET_USERNS": 0xB701,
    "NS_GET_PARENT": 0xB702,
    "PIDFD_GET_NET_NAMESPACE": 0xFF04,
    "PIDFD_GET_INFO": 0xC040FF0B,
    "SIOCSIFFLAGS": 0x8914,
    "SIOCSIFADDR": 0x8916,
    "SIOCETHTOOL": 0x8946,
    "SIOCADDRT": 0x890B,
    "SIOCUNIXFILE": 0x89E0,
    "SIOCINQ of a device": 0x89F0,
    "RNDADDENTROPY": 0x40085203,
}
descriptors = {
    "directory": os.open(".", os.O_RDONLY),
    "null": os.open("/dev/null", os.O_RDWR),
    "random": os.open("/dev/urandom", os.O_RDONLY),
    "internet": socket.socket().detach(),
    "unix": socket.socket(socket.AF_UNIX).detach(),
    "process": os.pidfd_open(os.getpid()),
    "namespace": os.open("/proc/self/ns/net", os.O_RDONLY),
}
buffer = ctypes.create_string_buffer(256)
judge_calls(
    {
        f"{name} on {kind}": (16, descriptor, request | high, buffer)
        for name, request in requests.items()
        for kind, descriptor in descriptors.items()
        for high in (0, 1 << 32)
    },
    refused={"EPERM"},
)
