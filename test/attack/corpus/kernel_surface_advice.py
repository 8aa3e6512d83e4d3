# Merged pages tell by the time of a write what other sandboxes hold; evicted ones by that of a read.
import mmap

page = mmap.mmap(-1, 1 << 21)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
advice = {"MERGEABLE": 12, "UNMERGEABLE": 13, "PAGEOUT": 21, "COLLAPSE": 25, "HWPOISON": 100, "SOFT_OFFLINE": 101}
judge_calls(
    {name: (28, address, 1 << 21, number) for name, number in advice.items()}
    | {"PR_SET_MEMORY_MERGE": (157, 67, 1, 0, 0, 0), "process_madvise": (440, 0, 0, 0, 21, 0)},
    refused={"EPERM"},
)
