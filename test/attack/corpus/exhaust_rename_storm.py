# Renames and links in deep trees take locks of the whole file system: it is the sandbox's own.
import time
os.makedirs("/workspace/" + "/".join(["d"] * 500), exist_ok=True)
end = time.monotonic() + 3
while time.monotonic() < end:
    os.rename("/workspace/d", "/workspace/e")
    os.rename("/workspace/e", "/workspace/d")
