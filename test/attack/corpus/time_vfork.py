# The parent of a vfork cannot be interrupted until its child lets go, and the child never does.
import signal
code = ctypes.CFUNCTYPE(ctypes.c_int)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
if libc.vfork() == 0:
    while True:
        pass
