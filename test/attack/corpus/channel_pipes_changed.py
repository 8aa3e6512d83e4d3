# The pipes behind stdout made tiny, non-blocking, owned and signalling.
import fcntl, signal
for descriptor in (1, 2, *range(3, 32)):
    for command, argument in ((1031, 4096), (fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC), (fcntl.F_SETOWN, os.getpid()), (10, signal.SIGKILL)):
        try:
            fcntl.fcntl(descriptor, command, argument)
        except OSError:
            pass
for _ in range(100):
    try:
        print("x" * 20_000)
    except OSError:
        pass
