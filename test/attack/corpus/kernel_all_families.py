# One rule must close them all with one answer: differing answers mean that the kernel decided.
families = [f for f in range(3, 60) if f not in (10, 16)] + [200, 2**31 - 1]
outcomes = {}
for number in families:
    for kind in (1, 2, 3, 5):
        outcomes.setdefault(syscall(41, number, kind, 0)[1], []).append((number, kind))
summary = {name: len(found) for name, found in outcomes.items()}
verdict(len(outcomes) == 1 and set(outcomes) <= REFUSED | {"EAFNOSUPPORT"}, summary)
