# ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC and the compatibility layers; asking (0xffffffff) is harmless.
judge_calls({hex(flag): (135, flag) for flag in (0x0040000, 0x0400000, 0x0100000, 0x0008, 0x0006)})
