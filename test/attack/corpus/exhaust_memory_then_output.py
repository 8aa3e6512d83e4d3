# Out of memory while output is in flight: the text must be there, and the status right.
print("before", flush=True)
blocks = []
while True:
    blocks.append(b"x" * 10_000_000)
    print(len(blocks), flush=True)
