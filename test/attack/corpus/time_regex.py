import re
re.match(r"(a|aa)+$" * 5, "a" * 400 + "b")
