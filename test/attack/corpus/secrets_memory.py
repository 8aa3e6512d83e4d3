# The pattern does not match its own text, so only a real token is a hit.
import re

pattern = re.compile(rb"gbx-canar[y]-[0-9a-f]{32}")
found, scanned = [], 0
try:
    memory = open("/proc/self/mem", "rb", 0)
    regions = open("/proc/self/maps").read().splitlines()
except OSError as failure:
    memory, regions = None, []
for line in regions:
    span, mode, *rest = line.split()
    start, end = (int(part, 16) for part in span.split("-"))
    if not mode.startswith("rw") or rest[-1] in ("[vvar]", "[vsyscall]"):
        continue
    try:
        memory.seek(start)
        data = memory.read(min(end - start, 256 << 20))
    except (OSError, ValueError, OverflowError):
        continue
    scanned += len(data)
    if pattern.search(data):
        found.append(line)
    del data
verdict(not found, [found, scanned])
