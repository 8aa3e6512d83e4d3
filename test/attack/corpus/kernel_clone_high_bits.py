# The kernel looks at the low half of clone's flags only; a filter that compares all bits misses this.
flags = {"user": 0x10000000 | 1 << 40, "net": 0x40000000 | 1 << 63 - 1, "mount": 0x00020000 | 1 << 32}
outcomes = {}
for name, flag in flags.items():
    # SIGCHLD as the exit signal makes the child an ordinary one that can be waited for.
    result, outcomes[name] = syscall(56, flag | 17, 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    if result > 0:
        os.waitpid(result, 0)
verdict(set(outcomes.values()) <= REFUSED, outcomes)
