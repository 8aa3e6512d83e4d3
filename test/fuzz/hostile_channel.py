"""Writes STREAMS, a list in base64, to whatever could be the kernel's connection. HOW says when.

It looks for the connection as an attacker would: every descriptor that is a socket or a FIFO, but for the
ends of standard output and error.
"""

import base64
import os
import stat
import threading
import time


def candidates():
    own = {os.fstat(1).st_ino, os.fstat(2).st_ino}
    found = []
    for descriptor in range(3, 1024):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        is_channel = stat.S_ISSOCK(status.st_mode) or stat.S_ISFIFO(status.st_mode)
        if is_channel and status.st_ino not in own:
            found.append(descriptor)
    return found


def write_all(pause):
    for stream in STREAMS:  # noqa: F821
        data = base64.b64decode(stream)
        for descriptor in CHANNELS:
            try:
                os.write(descriptor, data)
            except OSError:
                pass
        time.sleep(pause)


CHANNELS = candidates()
if HOW == "during":  # noqa: F821
    print("before")
    write_all(0)
    print("after")
elif HOW == "after":  # noqa: F821
    threading.Thread(target=write_all, args=(0.005,), daemon=True).start()
elif HOW == "child":  # noqa: F821
    if os.fork() == 0:
        write_all(0.005)
        os._exit(0)
elif HOW == "instead":  # noqa: F821
    write_all(0)
    os.close(CHANNELS[-1])
    os._exit(0)
