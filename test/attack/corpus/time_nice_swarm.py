# Fifty processes of the lowest priority: a process that gets no CPU cannot die either.
for _ in range(45):
    if os.fork() == 0:
        os.setsid()
        os.nice(19)
        while True:
            pass
while True:
    pass
