import resource

# The suite has made a porter. Nobody else can be in this range, as this process has started none.
pids = [pid for pid in range(3, 200) if pid != os.getpid()]
attempts = {
    "kill": lambda pid: os.kill(pid, 9),
    "stop": lambda pid: os.kill(pid, 19),
    "ask": lambda pid: os.kill(pid, 0),
    "thread": lambda pid: syscall(234, pid, pid, 9)[1] == "ok" or os.kill(1, 9),
    "group": lambda pid: os.killpg(pid, 9),
    "nice": lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "nice_user": lambda pid: os.setpriority(os.PRIO_USER, 999, 19),
    "affinity": lambda pid: os.sched_setaffinity(pid, {0}),
    "limits": lambda pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)),
    "group_of": lambda pid: os.setpgid(pid, 0),
}
outcomes = {}
for name, attempt in attempts.items():
    outcomes[name] = sorted({outcome(lambda: attempt(pid)) for pid in pids})
# It is there: some of these are refused to a process that exists.
found = "EPERM" in outcomes["ask"]
verdict(found and all("ok" not in seen for seen in outcomes.values()), outcomes)
