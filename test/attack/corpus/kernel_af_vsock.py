# AF_VSOCK: a way to the hypervisor past every network rule.
judge_calls(
    {f"type {kind}": (41, 40, kind, 0) for kind in (1, 2, 3, 5)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
