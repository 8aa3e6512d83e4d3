# AF_RXRPC: page-cache writes of 2026.
judge_calls(
    {f"type {kind}": (41, 33, kind, 0) for kind in (2,)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
