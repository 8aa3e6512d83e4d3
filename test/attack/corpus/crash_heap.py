import random

for _ in range(2000):
    victim = bytearray(random.randrange(16, 512))
    ctypes.memset(id(victim) - 64, random.randrange(256), 256)
