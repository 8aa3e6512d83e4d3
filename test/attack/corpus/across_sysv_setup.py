for number, arguments in ((29, (0x6B78, 4096, 0o1666)), (64, (0x6B78, 1, 0o1666)), (68, (0x6B78, 0o1666))):
    syscall(number, *arguments)
