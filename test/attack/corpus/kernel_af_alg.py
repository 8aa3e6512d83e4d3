# AF_ALG: the crypto interface wrote into the page cache of read-only files in 2026.
judge_calls(
    {f"type {kind}": (41, 38, kind, 0) for kind in (5,)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
