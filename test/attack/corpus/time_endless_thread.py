import threading

for _ in range(5):
    threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()
