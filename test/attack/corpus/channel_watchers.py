# As many watches on the channel as one gets, and a process that dribbles frames: the gateway wakes all for each frame it reads.
import select
import time

watched = channel_sockets()[0]
kept = []
try:
    copies = [os.dup(watched) for _ in range(450)]
    for _ in range(450):
        kept.append(select.epoll())
        for copy in copies:
            kept[-1].register(copy, select.EPOLLIN)
except OSError:
    pass


class Watch(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("found", ctypes.c_short)]


watches = (Watch * 1000)(*[Watch(watched, select.POLLPRI, 0) for _ in range(1000)])
message = frame({"msg_type": "clear_output", "content": {"wait": True}})
try:
    for number in range(45):
        if os.fork() == 0:
            if number:
                libc.poll(watches, 1000, 8_000)
            for _ in range(3_000):
                os.write(watched, message)
                time.sleep(0.002)
            os._exit(0)
except OSError:
    pass
time.sleep(0.5)
