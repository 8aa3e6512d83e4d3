for _ in range(64):
    identifier, name = syscall(29, 0, 32 << 20, 0o1600)
    if identifier < 0:
        print(name)
        break
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(int(identifier), None, 0)
    ctypes.memset(address, 1, 32 << 20)
