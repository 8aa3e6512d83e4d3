# tmpfs, shared memory, memory files, heap and children: no sum may pass the limit of one sandbox.
import mmap, time
blocks = []
for path in ("/workspace/a", "/tmp/a", "/dev/shm/a"):
    with open(path, "wb") as file:
        file.write(b"x" * 90_000_000)
memory_file = os.memfd_create("a")
os.write(memory_file, b"x" * 90_000_000)
for _ in range(3):
    if os.fork() == 0:
        block = b"x" * 90_000_000
        time.sleep(30)
blocks = [b"x" * 90_000_000, mmap.mmap(-1, 90_000_000)]
blocks[1].write(b"x" * 90_000_000)
time.sleep(10)
