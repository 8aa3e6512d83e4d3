import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
information = ctypes.create_string_buffer(128)
ctypes.memmove(information, (34).to_bytes(4, "little") + b"\0\0\0\0" + (-1 & 0xFFFFFFFF).to_bytes(4, "little"), 12)
count = 0
while count < 200_000 and syscall(129, os.getpid(), 34, information)[0] == 0:
    count += 1
print(count)
