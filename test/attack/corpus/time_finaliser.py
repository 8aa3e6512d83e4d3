import atexit, signal


class Endless:
    def __del__(self):
        while True:
            pass


def forever(*_):
    while True:
        pass


atexit.register(forever)
signal.signal(signal.SIGINT, forever)
signal.signal(signal.SIGTERM, forever)
thing = Endless()
del thing
while True:
    pass
