import subprocess

for _ in range(10):
    subprocess.Popen(["sleep", MARKER], start_new_session=True)
while True:
    pass
