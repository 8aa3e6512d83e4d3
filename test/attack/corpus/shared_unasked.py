# What another session has asked for does not show here, nor does anything tell that it exists.
text = open("/proc/self/mountinfo").read() + str(os.listdir("/data"))
found = {name: outcome(lambda: os.stat(f"/data/{name}")) for name in ("reference", "results", ".wheels")}
verdict(set(found.values()) == {"ENOENT"} and "results" not in text, [found, text])
