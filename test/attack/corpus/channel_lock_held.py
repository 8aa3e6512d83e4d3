# The lock that orders output is in the user's process: held by a child, the kernel waits for ever.
import fcntl, time
for descriptor in range(3, 64):
    try:
        if "lock" in os.readlink(f"/proc/self/fd/{descriptor}"):
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
            if os.fork() == 0:
                fcntl.flock(own, fcntl.LOCK_EX)
                time.sleep(60)
    except OSError:
        pass
time.sleep(0.5)
print("x" * 100_000)
