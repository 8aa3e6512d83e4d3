# Reserved huge pages are counted by no memory limit. Where none are reserved, ENOMEM would show that
# the kernel was asked.
MAP_ANONYMOUS_PRIVATE, MAP_HUGETLB, MAP_GROWSDOWN = 0x22, 0x40000, 0x100
judge_calls(
    {
        "mmap": (9, 0, 2 << 20, 3, MAP_ANONYMOUS_PRIVATE | MAP_HUGETLB, -1, 0),
        "mmap of 1 GiB pages": (9, 0, 1 << 30, 3, MAP_ANONYMOUS_PRIVATE | MAP_HUGETLB | 30 << 26, -1, 0),
        "mmap that grows": (9, 0, 1 << 20, 3, MAP_ANONYMOUS_PRIVATE | MAP_GROWSDOWN, -1, 0),
        "memfd_create": (319, b"gbx", 4),
        "memfd_create of 2 MiB pages": (319, b"gbx", 4 | 21 << 26),
    },
    refused={"EPERM"},
)
