# Restarting the host is the rudest denial of service.
judge_calls(
    {
        "kexec_load": (246, 0, 0, 0, 0),
        "kexec_file_load": (320, 0, 0, 0, 0, 0),
        "reboot": (169, 0xFEE1DEAD, 672274793, 0, 0),
        "swapon": (167, b"/workspace/x", 0),
        "acct": (163, 0),
    },
)
