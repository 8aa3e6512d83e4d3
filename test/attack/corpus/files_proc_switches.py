# Everything below /proc/sys, and what lies over hidden files: nothing may be opened for writing.
writable = []
roots = ["/proc/sys"] + [f"/proc/{name}" for name in ("sysrq-trigger", "kcore", "kmsg", "mtrr", "irq", "fs", "bus", "acpi", "kallsyms", "timer_list", "latency_stats", "swaps", "interrupts")]
looked = 0
for root in roots:
    paths = [root] if os.path.isfile(root) else [os.path.join(place, name) for place, _, names in os.walk(root) for name in names]
    for path in paths:
        looked += 1
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            writable.append(path)
        except OSError:
            pass
verdict(not writable and looked > 500, [looked, writable[:20]])
