# pivot_root has no old root to walk back to; chroot itself needs a capability.
root = os.stat("/")
os.makedirs("/workspace/jail", exist_ok=True)
first = outcome(lambda: os.chroot("/workspace/jail"))
for _ in range(64):
    os.chdir("..")
here = os.stat(".")
verdict(first != "ok" and (here.st_dev, here.st_ino) == (root.st_dev, root.st_ino), first)
