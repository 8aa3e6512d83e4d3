# uid 1000 inside, no capabilities in any set, no_new_privs, a seccomp filter.
fields = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
problems = []
for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
    if int(fields[name], 16) != 0:
        problems.append(f"{name}={fields[name]}")
if fields["NoNewPrivs"].strip() != "1":
    problems.append("no_new_privs is off")
if fields["Seccomp"].strip() != "2":
    problems.append("no seccomp filter")
if set(fields["Uid"].split()) != {"1000"}:
    problems.append(f"uid {fields['Uid']}")
if 0 in os.getgroups() + [os.getgid()]:
    problems.append("group 0")
verdict(not problems, problems)
