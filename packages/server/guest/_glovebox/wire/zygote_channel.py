"""What keeper and zygote agree on. Apart from both, so that the keeper loads none of the zygote's code."""

# Descriptors that come with every fork request, in this order; control group entrances follow.
DESCRIPTORS = (
    "warden", "built", "report",
    "connection", "lock", "stdout_read", "stdout", "stderr_read", "stderr",
)  # fmt: skip
MESSAGE_BYTES_MAX = 16384
# Where the keeper puts its connection before it starts the zygote's program.
KEEPER_DESCRIPTOR = 3
