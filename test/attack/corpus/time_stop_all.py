import signal

os.kill(-1, signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGSTOP)
