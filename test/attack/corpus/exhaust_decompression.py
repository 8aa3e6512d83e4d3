import zlib

data = b"\0" * 10_000_000
for _ in range(3):
    data = zlib.compress(data)
blocks = [b"\0" * 50_000_000]
while True:
    blocks.append(zlib.decompress(zlib.compress(b"\0" * 100_000_000)))
