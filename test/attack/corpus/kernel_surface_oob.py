# Out-of-band bytes on UNIX sockets leave dangling pointers behind in the receiver's queue.
left, right = socket.socketpair()
MSG_OOB, MSG_PEEK = 1, 2
judge_actions(
    {
        "send": lambda: left.send(b"x", MSG_OOB),
        "sendmsg": lambda: left.sendmsg([b"x"], [], MSG_OOB),
        "recv": lambda: right.recv(1, MSG_OOB | MSG_PEEK | socket.MSG_DONTWAIT),
        "recvmsg": lambda: right.recvmsg(1, 0, MSG_OOB | socket.MSG_DONTWAIT),
        "fast open": lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", 1)),
        "zero copy": lambda: left.send(b"x", 0x4000000),
    },
    ("EPERM",),
)
