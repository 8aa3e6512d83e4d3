# The interpreter's own limits made unusable.
import resource, threading
sys.setrecursionlimit(80)
threading.stack_size(32768)
for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_STACK, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC):
    try:
        resource.setrlimit(kind, (1, 1))
    except (OSError, ValueError):
        pass
