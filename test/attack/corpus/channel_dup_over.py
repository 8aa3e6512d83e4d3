null = os.open("/dev/null", os.O_RDWR)
for descriptor in channel_sockets():
    os.dup2(null, descriptor)
