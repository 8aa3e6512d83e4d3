# The suite deletes the session and then looks for MARKER on the host.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal

        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        os.closerange(0, 1024)
        os.execv("/bin/sleep", ["sleep", MARKER])
    os._exit(0)
import time

time.sleep(0.3)
verdict(True, "started")
