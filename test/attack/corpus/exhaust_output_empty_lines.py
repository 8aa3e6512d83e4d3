# Output that weighs little and is many: one byte in each write, both streams by turns.
while True:
    os.write(1, b"\n")
    os.write(2, b"\n")
