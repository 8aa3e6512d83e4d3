# Every directory and file that the interpreter has loaded from, ours included.
targets = [path for path in sys.path if os.path.isdir(path) and not path.startswith("/workspace")]
actions = {path: lambda path=path: open(f"{path}/gbx_evil.py", "w").close() for path in targets}
for module in list(sys.modules.values()):
    path = getattr(module, "__file__", None)
    if path and not path.startswith(("/workspace", "/tmp")) and len(actions) < 300:
        actions[path] = lambda path=path: os.open(path, os.O_WRONLY)
results = {path: outcome(action) for path, action in actions.items()}
written = [path for path, result in results.items() if result == "ok"]
verdict(not written, written)
