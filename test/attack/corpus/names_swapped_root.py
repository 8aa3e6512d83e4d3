# /workspace itself made unreadable, and left without its parent's knowledge.
os.mkdir("/workspace/inner")
os.chmod("/workspace/inner", 0)
for action in (lambda: os.chmod("/workspace", 0), lambda: os.rename("/workspace", "/tmp/away"), lambda: os.rmdir("/workspace"), lambda: os.symlink("/etc", "/workspace/etc"), lambda: os.symlink(".", "/workspace/loop"), lambda: os.symlink("/proc/self/root", "/workspace/root")):
    try:
        action()
    except OSError:
        pass
