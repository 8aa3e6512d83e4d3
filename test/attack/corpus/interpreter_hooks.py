import builtins, threading


def hook(*arguments):
    raise RuntimeError("hook")


sys.meta_path.insert(0, hook)
sys.excepthook = sys.displayhook = sys.unraisablehook = threading.excepthook = hook
builtins.__import__ = hook
sys.addaudithook(lambda *a: None)
threading.settrace(hook)
sys.setprofile(hook)
sys.settrace(hook)
