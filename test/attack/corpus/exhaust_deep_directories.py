os.chdir("/workspace")
try:
    for _ in range(20_000):
        os.mkdir("d")
        os.chdir("d")
except OSError as failure:
    print(failure)
