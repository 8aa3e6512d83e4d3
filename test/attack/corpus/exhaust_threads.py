import threading

stop = threading.Event()
threads = []
try:
    while len(threads) < 500:
        thread = threading.Thread(target=stop.wait)
        thread.start()
        threads.append(thread)
except RuntimeError:
    pass
stop.set()
for thread in threads:
    thread.join()
verdict(len(threads) < 60, len(threads))
