# The zygote's and keeper's memory as the fork left it: secrets, ids and paths of other sandboxes.
import re
pattern = re.compile(rb"\"secre[t]\": ?\"[0-9a-f]{32}|gbx-canar[y]-[0-9a-f]{32}|AUTH_TOKE[N]=[A-Za-z0-9-]{8}|LLM_API_KE[Y]=[A-Za-z0-9-]{8}")
found = set()
memory = os.open("/proc/self/mem", os.O_RDONLY)
for line in open("/proc/self/maps").read().splitlines():
    bounds, rights, *rest = line.split()
    if rights != "rw-p":
        continue
    start, end = (int(bound, 16) for bound in bounds.split("-"))
    for at in range(start, end, 1 << 24):
        try:
            data = os.pread(memory, min(1 << 24, end - at), at)
        except OSError:
            continue
        # Copies of this very cell are in memory too, but not behind what its pattern asks for.
        found.update(match.group()[:20] for match in pattern.finditer(data))
verdict(not found, sorted(found))
