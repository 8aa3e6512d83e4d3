send_everywhere(b"\x00\x01garbage\xff\xfe" * 1000)
