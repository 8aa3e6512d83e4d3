try:
    lines = open("/proc/kallsyms").read(20000).splitlines()
except OSError as failure:
    verdict(True, failure)
else:
    real = [line for line in lines if int(line.split()[0], 16) != 0]
    verdict(not real, real[:3])
