# Reading a file of the common tree must leave no trace that another session sees.
import glob
gbx_path = sorted(glob.glob("/usr/share/zoneinfo/A*/*"))[17] if os.path.isdir("/usr/share/zoneinfo") else "/etc/shells"
gbx_before = os.stat(gbx_path).st_atime_ns
open(gbx_path, "rb").read()
print(json.dumps([gbx_path, gbx_before]))
