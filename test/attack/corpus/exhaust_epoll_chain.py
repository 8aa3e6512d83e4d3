# epoll descriptors that watch each other: wake-ups and checks that grow with the square.
import select
chain = [select.epoll() for _ in range(300)]
for first in range(300):
    for second in range(first + 1, 300):
        try:
            chain[first].register(chain[second].fileno(), select.EPOLLIN)
        except OSError:
            pass
