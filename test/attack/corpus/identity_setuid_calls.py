judge_actions(
    {
        "setuid 0": lambda: os.setuid(0),
        "setgid 0": lambda: os.setgid(0),
        "setresuid": lambda: os.setresuid(0, 0, 0),
        "setresgid": lambda: os.setresgid(0, 0, 0),
        "setgroups": lambda: os.setgroups([0]),
        "setuid of the warden": lambda: os.setuid(os.stat("/proc/1").st_uid if os.path.exists("/proc/1") else 0),
        "chown": lambda: os.chown("/workspace", 0, 0),
        "nice": lambda: os.setpriority(os.PRIO_PROCESS, 0, -10),
    }
)
