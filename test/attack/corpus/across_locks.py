# A lock on a shared file is a signal between sessions, and a way to block whoever locks it too.
import fcntl

outcomes = {}
for path in ("/etc/passwd", "/etc/hosts", os.__file__, json.__file__):
    outcomes[path] = outcome(lambda path=path: fcntl.flock(open(path), fcntl.LOCK_EX | fcntl.LOCK_NB))
verdict("EAGAIN" not in outcomes.values() and "EWOULDBLOCK" not in outcomes.values(), outcomes)
