import signal

try:
    os.kill(-1, signal.SIGSTOP)
except ProcessLookupError:
    pass
os.kill(os.getpid(), signal.SIGSTOP)
