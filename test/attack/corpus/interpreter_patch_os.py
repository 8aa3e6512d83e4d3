import select, time

for module in (os, time, socket, select):
    for name in list(vars(module)):
        if not name.startswith("__"):
            try:
                setattr(module, name, None)
            except Exception:
                pass
