for _ in range(10):
    if os.fork() == 0:
        block = b"x" * 150_000_000
        import time

        time.sleep(30)
import time

time.sleep(2)
