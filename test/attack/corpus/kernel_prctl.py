judge_calls(
    {
        "PR_SET_MM": (157, 35, 8, 4096, 0, 0),
        "PR_SET_SECUREBITS": (157, 28, 0, 0, 0),
        "PR_CAP_AMBIENT raise": (157, 47, 2, 21, 0, 0),
        "PR_SET_SECCOMP off": (157, 22, 0, 0, 0, 0),
    },
    refused=REFUSED | {"EINVAL"},
)
