made = []
for name, number, arguments in (("inotify", 294, (0,)), ("epoll", 291, (0,)), ("eventfd", 290, (0, 0)), ("timerfd", 283, (1, 0)), ("signalfd", 289, (-1, ctypes.create_string_buffer(8), 8, 0))):
    count = 0
    while count < 300 and syscall(number, *arguments)[0] >= 0:
        count += 1
    made.append((name, count))
print(made)
