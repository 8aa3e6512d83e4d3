for _ in range(100):
    sys.stdout.write("x" * 20_000_000)
