# Every option of every level of the sockets that can be made, but for those that servers set.
AF_INET, AF_INET6, AF_UNIX, AF_NETLINK = 2, 10, 1, 16
allowed = {
    1: {2, 4, 6, 7, 8, 9, 10, 15, 16, 18, 20, 21, 29, 35, 66, 67},
    6: {1, 2, 3, 4, 5, 6, 9, 12, 18},
    0: {1, 2, 8, 10, 11, 13},
    41: {16, 24, 25, 26, 49, 66, 67},
}
sockets = [
    socket.socket(AF_INET, socket.SOCK_STREAM),
    socket.socket(AF_INET6, socket.SOCK_DGRAM),
    socket.socket(AF_UNIX, socket.SOCK_STREAM),
    socket.socket(AF_NETLINK, socket.SOCK_RAW, 0),
]
value = ctypes.create_string_buffer(256)
wrong = []
for each in sockets:
    for level in (*range(64), 132, 136, 255, 256, 270, 273, 282, 284, 286):
        for option in range(160):
            if option not in allowed.get(level, ()):
                answer = syscall(54, each.fileno(), level, option, value, 256)[1]
                if answer != "EPERM":
                    wrong.append((level, option, answer))
verdict(not wrong, wrong[:20])
