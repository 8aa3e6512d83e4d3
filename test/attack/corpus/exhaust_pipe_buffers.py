import fcntl

pipes = []
try:
    while True:
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        try:
            fcntl.fcntl(write_end, 1031, 1 << 20)
        except OSError:
            pass
        pipes.append((read_end, write_end))
        try:
            while True:
                os.write(write_end, b"x" * 65536)
        except BlockingIOError:
            pass
except OSError as failure:
    print(len(pipes), failure)
