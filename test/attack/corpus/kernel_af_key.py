# AF_KEY: IPsec keys, and a history of overflows.
judge_calls(
    {f"type {kind}": (41, 15, kind, 0) for kind in (3,)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
