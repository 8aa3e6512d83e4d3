count = 0
try:
    while count < 500:
        if os.fork() == 0:
            os._exit(0)
        count += 1
except OSError as failure:
    verdict(failure.errno == errno.EAGAIN and count < 60, count)
else:
    verdict(False, count)
