# Descriptors in flight over sockets that are in flight themselves: more than the table holds, in a cycle.
import array
sent = 0
held = []
try:
    while sent < 200_000:
        left, right = socket.socketpair()
        for _ in range(20):
            left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [left.fileno(), right.fileno()] * 100))])
            sent += 200
        left.close()
        right.close()
except OSError as failure:
    print(errno.errorcode[failure.errno], sent)
verdict(sent < 100_000, sent)
