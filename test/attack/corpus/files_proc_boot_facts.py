# Identities and counters of the host by which sandboxes recognise the machine or signal each other.
paths = [f"/proc/sys/{name}" for name in ("fs/file-nr", "fs/inode-nr", "fs/inode-state", "fs/dentry-state", "fs/aio-nr", "fs/quota/syncs", "kernel/random/boot_id", "kernel/pty/nr")]
paths += ["/proc/locks", "/proc/schedstat", "/proc/interrupts", "/proc/softirqs", "/proc/vmstat", "/proc/zoneinfo", "/proc/diskstats", "/proc/partitions", "/proc/modules", "/proc/cmdline", "/proc/pressure/cpu", "/proc/key-users"]
judge_actions({path: lambda path=path: read_some(path) for path in paths})
