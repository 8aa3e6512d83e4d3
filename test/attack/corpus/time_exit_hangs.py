import atexit, threading


def forever():
    while True:
        pass


atexit.register(forever)
threading._register_atexit(forever)
sys.exit(0)
