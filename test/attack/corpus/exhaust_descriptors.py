descriptors = []
try:
    while len(descriptors) < 5000:
        descriptors.append(os.open("/dev/null", os.O_RDONLY))
except OSError as failure:
    name = errno.errorcode[failure.errno]
else:
    name = "unbounded"
for descriptor in descriptors:
    os.close(descriptor)
verdict(name == "EMFILE" and len(descriptors) <= 1024, [name, len(descriptors)])
