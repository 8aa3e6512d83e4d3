paths = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv4/ping_group_range",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/user/max_user_namespaces",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
    "/proc/self/uid_map",
    "/proc/self/gid_map",
    "/proc/self/setgroups",
]


def write_switch(path):
    """A hidden file is the null device, which takes what is written and does nothing."""
    if os.stat(path).st_rdev == os.makedev(1, 3):
        raise OSError(errno.ENODEV, "hidden")
    write_some(path, b"0\n")


judge_actions({path: lambda path=path: write_switch(path) for path in paths})
