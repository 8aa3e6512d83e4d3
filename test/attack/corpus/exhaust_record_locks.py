# Record locks are kernel memory, and no limit counts them: they must at least cost the attacker only.
import fcntl, struct, time
files = [open(f"/tmp/{number}", "w") for number in range(500)]
end = time.monotonic() + 2
count = 0
while time.monotonic() < end:
    count += 1
    record = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, (1 << 40) - 2 * count, 1, 0)
    for file in files:
        fcntl.fcntl(file, fcntl.F_SETLK, record)
