# Only ENOSYS is right: glibc then falls back to clone, and any other answer breaks threads.
arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
outcomes = {}
for label, call in {"namespaces": (arguments, 88), "empty": (arguments, 0)}.items():
    result, outcomes[label] = syscall(435, *call)
    if result == 0:
        os._exit(0)
verdict(set(outcomes.values()) == {"ENOSYS"}, outcomes)
