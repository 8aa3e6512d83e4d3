import re

pattern = re.compile(rb"gbx-canar[y]-[0-9a-f]{32}")
names = ("TOKEN", "API_KEY", "SECRET", "STATE_DIR", "ROOTFS_DIR", "LLM_")
found = [name for name in os.environ if any(part in name for part in names)]
for pid in ("self", "1", str(os.getppid())):
    try:
        text = open(f"/proc/{pid}/environ", "rb").read()
    except OSError:
        continue
    if pattern.search(text) or any(part.encode() in text for part in names):
        found.append(f"environ of {pid}")
verdict(not found, found)
