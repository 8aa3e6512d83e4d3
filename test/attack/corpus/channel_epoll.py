# Watches on the channel cost its other end a wake-up each, and epoll makes a quarter of a million of them per process.
judge_calls({"epoll_create1": (291, 0), "epoll_create": (213, 1), "epoll_ctl": (233, 3, 1, 4, 0)})
