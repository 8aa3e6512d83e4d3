# /workspace stands first on the search path: files there named like modules the kernel may import late.
for name in ("json", "socket", "traceback", "linecache", "encodings", "numpy", "site", "sitecustomize", "usercustomize", "pandas", "frames", "kernel"):
    with open(f"/workspace/{name}.py", "w") as file:
        file.write("raise SystemExit('shadowed')\n")
1 / 0
