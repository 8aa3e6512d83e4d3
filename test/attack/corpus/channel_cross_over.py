found = channel_sockets()
copies = [os.dup(descriptor) for descriptor in found]
for descriptor, copy in zip(found, reversed(copies)):
    os.dup2(copy, descriptor)
for descriptor in (0, 1, 2):
    os.dup2(copies[0] if copies else 0, descriptor)
