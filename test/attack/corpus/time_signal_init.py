# The kernel refuses by uid, and PID 1 of a namespace ignores what it has no handler for.
import signal

outcomes = {number: outcome(lambda number=number: os.kill(1, number)) for number in range(1, 65)}
parent = {number: outcome(lambda number=number: os.kill(os.getppid(), number)) for number in (9, 19) if os.getppid() != 0}
verdict("ok" not in outcomes.values() and "ok" not in parent.values(), [set(outcomes.values()), parent])
