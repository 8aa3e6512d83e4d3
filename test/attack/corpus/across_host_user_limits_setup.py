gbx_made = 0
while gbx_made < 900 and syscall(294, 0)[0] >= 0:
    gbx_made += 1
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
gbx_information = ctypes.create_string_buffer(128)
ctypes.memmove(gbx_information, (34).to_bytes(4, "little") + b"\0\0\0\0" + (-1 & 0xFFFFFFFF).to_bytes(4, "little"), 12)
for _ in range(100_000):
    if syscall(129, os.getpid(), 34, gbx_information)[0] != 0:
        break
