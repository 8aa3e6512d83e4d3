# Four children of 200 MB each: none is above the limit, all together are.
import time
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        block = b"x" * 200_000_000
        time.sleep(3)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
