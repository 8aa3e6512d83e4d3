# Every option that exists or may come to exist, but for those that name threads and ask questions.
allowed = {1, 2, 3, 4, 15, 16, 21, 23, 27, 29, 30, 38, 39, 42}
options = set(range(128)) - allowed
named = {"PR_SET_PTRACER": 0x59616D61, "PR_SET_SPECULATION_CTRL": 53, "auxv": 0x41555856}
judge_calls(
    {f"prctl {option:#x}": (157, option, 1, 0, 0, 0) for option in {*options, *named.values()}}
    | {
        f"arch_prctl {code:#x}": (158, code, 0)
        for code in (0x1001, 0x1004, 0x1011, 0x1012, 0x1021, 0x1023, 0x2001, 0x2003, 0x4002, 0x5001, 0x5003)
    },
    refused={"EPERM"},
)
