# Names of 255 bytes, of characters that JSON writes six bytes for, in numbers.
for number in range(3000):
    open(f"/workspace/{number:04}" + "\x01" * 251, "w").close()
