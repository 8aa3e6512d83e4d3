# hidepid hides entries of a directory; opened by name they must not exist either.
import random
found = []
for pid in [1, *range(3, 3000), *random.sample(range(3000, 4_194_304), 3000)]:
    for path in (f"/proc/{pid}", f"/proc/self/task/{pid}", f"/proc/{pid}/task/{pid}/status"):
        try:
            status = os.stat(path)
        except OSError:
            continue
        if status.st_uid != os.getuid() or pid == 1:
            found.append(path)
verdict(not found, found[:10])
