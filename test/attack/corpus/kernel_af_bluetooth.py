# AF_BLUETOOTH: CVE-2020-12351 and kin.
judge_calls(
    {f"type {kind}": (41, 31, kind, 0) for kind in (1, 2, 3, 5)},
    refused=REFUSED | {"EAFNOSUPPORT"},
)
