block = b"x" * 65536
while True:
    os.write(1, block)
    os.write(2, block)
