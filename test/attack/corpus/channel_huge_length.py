send_everywhere(b"\xff\xff\xff\xff" + b"x" * 100_000)
import time

time.sleep(0.5)
