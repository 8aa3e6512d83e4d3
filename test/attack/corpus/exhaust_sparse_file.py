try:
    with open("/workspace/sparse", "wb") as file:
        file.truncate(1 << 60)
        file.seek(1 << 59)
        file.write(b"x")
except OSError as failure:
    print(failure)
