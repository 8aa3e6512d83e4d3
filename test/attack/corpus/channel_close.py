os.closerange(0, 1024)
