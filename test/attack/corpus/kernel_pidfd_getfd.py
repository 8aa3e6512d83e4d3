# pidfd_open alone is harmless; taking a descriptor through it is not.
pidfd, opened = syscall(434, 1, 0)
own, _ = syscall(434, os.getpid(), 0)
outcomes = {f"fd {fd} of init": syscall(438, pidfd, fd, 0)[1] for fd in range(4)}
outcomes["own"] = syscall(438, own, 0, 0)[1]
outcomes["no pidfd"] = syscall(438, -1, 0, 0)[1]
verdict(set(outcomes.values()) <= REFUSED, {"pidfd_open": opened, **outcomes})
