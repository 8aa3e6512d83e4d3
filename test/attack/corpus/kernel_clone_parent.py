# A child of one's parent: that parent is the zygote, which runs as root of the host.
judge_calls({"CLONE_PARENT": (56, 0x8000 | 17, 0, 0, 0, 0)}, ("EPERM",))
