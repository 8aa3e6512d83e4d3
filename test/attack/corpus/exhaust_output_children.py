import subprocess

for _ in range(10):
    subprocess.Popen(["sh", "-c", "yes glovebox"])
import time

time.sleep(10)
