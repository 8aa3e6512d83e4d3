# Collector callbacks, finalisers, weak references and hooks that run in the kernel's code after the cell.
import gc, threading, weakref
def late(*_):
    raise SystemExit(7)
gc.callbacks.append(late)
gc.set_threshold(1)
class Trap:
    def __del__(self):
        os.write(1, b"x" * 100)
        raise SystemExit(8)
kept = [Trap() for _ in range(100)]
weakref.finalize(kept[0], late)
sys.unraisablehook = late
threading.excepthook = late
sys.excepthook = late
sys.setswitchinterval(1e-9)
