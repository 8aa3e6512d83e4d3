# The few files of a process's own that change more than itself. What matters is the value afterwards.
def value(path):
    return open(path).read().split()
before = {name: value(f"/proc/self/{name}") for name in ("uid_map", "gid_map", "setgroups", "loginuid", "limits")}
attempts = {}
for name, text in (("oom_score_adj", "-1000"), ("oom_score_adj", "-1"), ("oom_adj", "-17"), ("uid_map", "0 0 4294967295"), ("gid_map", "0 0 4294967295"), ("setgroups", "deny"), ("loginuid", "0"), ("autogroup", "-20"), ("timens_offsets", "monotonic 1000 0"), ("attr/current", "unconfined"), ("attr/exec", "unconfined")):
    attempts[f"{name} {text}"] = outcome(lambda: write_some(f"/proc/self/{name}", text.encode()))
after = {name: value(f"/proc/self/{name}") for name in before}
nice = outcome(lambda: os.setpriority(os.PRIO_PROCESS, 0, -1))
verdict(before == after and "ok" not in attempts.values() and nice != "ok", [attempts, nice, [name for name in before if before[name] != after[name]]])
