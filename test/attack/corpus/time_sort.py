# One call into C with a comparison in C: no bytecode runs for the signal to be seen.
numbers = list(range(20_000_000, 0, -7)) * 3
while True:
    sorted(numbers, key=str)
