# Stopped orphans in groups and sessions of their own, all signals blocked, and one that carries the marker.
import signal, subprocess, time
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sh", ["sh", "-c", f"trap '' TERM INT HUP QUIT; kill -STOP $$; sleep {MARKER}"])
        os._exit(0)
subprocess.Popen(["setsid", "nohup", "sleep", MARKER])
while True:
    try:
        time.sleep(100)
    except BaseException:
        pass
