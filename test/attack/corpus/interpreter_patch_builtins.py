import builtins

for name in ("len", "print", "isinstance", "dict", "open", "repr", "range", "bytes", "str", "getattr", "__import__"):
    setattr(builtins, name, None)
