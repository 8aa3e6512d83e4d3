import mmap

regions = []
while True:
    region = mmap.mmap(-1, 50_000_000)
    region.write(b"x" * 50_000_000)
    regions.append(region)
