# Masked files may read as empty; a single byte of the real ones is a leak.
paths = [
    "/proc/kcore",
    "/proc/kmsg",
    "/proc/kpagecount",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/latency_stats",
    "/proc/config.gz",
    "/proc/vmallocinfo",
    "/proc/slabinfo",
    "/proc/acpi/wakeup",
    "/sys/firmware/dmi/tables/DMI",
    "/sys/kernel/debug/sched/debug",
    "/sys/kernel/security/lsm",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/port",
]
judge_actions({path: lambda path=path: read_some(path) for path in paths})
