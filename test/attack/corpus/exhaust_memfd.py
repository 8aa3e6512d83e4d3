try:
    descriptor = os.memfd_create("gbx")
except OSError as failure:
    print(failure)
else:
    while True:
        os.write(descriptor, b"x" * 10_000_000)
