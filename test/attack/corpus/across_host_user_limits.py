# A neighbour at its own limits must leave this session room: one signal must still queue.
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
information = ctypes.create_string_buffer(128)
ctypes.memmove(information, (34).to_bytes(4, "little") + b"\0\0\0\0" + (-1 & 0xFFFFFFFF).to_bytes(4, "little"), 12)
signal_result = syscall(129, os.getpid(), 34, information)[1]
inotify = syscall(294, 0)[1]
verdict(signal_result != "EAGAIN" and inotify != "EMFILE", [signal_result, inotify])
