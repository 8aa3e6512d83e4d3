# CVE-2025-31133, -52565, -52881: whoever can swap what a mask is made of, unmasks. /dev must not change.
import shutil
actions = {}
for name in os.listdir("/dev"):
    if name == "shm":
        continue
    actions[f"unlink {name}"] = lambda name=name: os.unlink(f"/dev/{name}")
    actions[f"rename {name}"] = lambda name=name: os.rename(f"/dev/{name}", f"/dev/shm/{name}")
    actions[f"replace {name}"] = lambda name=name: os.replace("/workspace/link", f"/dev/{name}")
    actions[f"chmod {name}"] = lambda name=name: os.chmod(f"/dev/{name}", 0o777, follow_symlinks=True) if name in ("null", "zero", "full", "random", "urandom") else os.open("/dev/x", os.O_CREAT)
os.symlink("/proc/sys/kernel/core_pattern", "/workspace/link")
actions["link in /dev"] = lambda: os.symlink("/proc/sys", "/dev/console")
actions["shm away"] = lambda: os.rename("/dev/shm", "/dev/y")
actions["shm removed"] = lambda: os.rmdir("/dev/shm")
actions["proc entry away"] = lambda: os.rename("/proc/sys", "/proc/y")
outcomes = {label: outcome(action) for label, action in actions.items()}
null = os.stat("/dev/null")
whole = stat.S_ISCHR(null.st_mode) and null.st_rdev == os.makedev(1, 3)
verdict("ok" not in outcomes.values() and whole, outcomes)
