# os.fork in user code, and both return into the kernel.
for _ in range(4):
    os.fork()
x = 1
