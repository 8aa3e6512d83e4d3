import subprocess

gbx_child = subprocess.Popen(["sleep", "73.73"])
