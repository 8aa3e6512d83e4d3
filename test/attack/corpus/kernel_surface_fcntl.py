# A lease makes whoever opens the file wait; the others have the kernel send signals on input.
import fcntl

mine = open("gbx-lease", "w+")
directory = os.open(".", os.O_RDONLY)
left, right = socket.socketpair()
owner = bytes(8)
judge_actions(
    {
        "F_SETLEASE": lambda: fcntl.fcntl(mine, 1024, fcntl.F_WRLCK),
        "F_GETLEASE": lambda: fcntl.fcntl(mine, 1025),
        "F_NOTIFY": lambda: fcntl.fcntl(directory, 1026, 1),
        "F_SETSIG": lambda: fcntl.fcntl(left, 10, 9),
        "F_SETOWN": lambda: fcntl.fcntl(left, 8, 1),
        "F_SETOWN_EX": lambda: fcntl.fcntl(left, 15, owner),
        "O_ASYNC": lambda: fcntl.fcntl(left, fcntl.F_SETFL, 0x2000),
        "FIOASYNC": lambda: fcntl.ioctl(left, 0x5452, (1).to_bytes(4, "little")),
    },
    ("EPERM",),
)
