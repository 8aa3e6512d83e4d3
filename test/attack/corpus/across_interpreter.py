import builtins, math

found = [hasattr(builtins, "gbx_trace"), math.pi == 3, "GBX_TRACE" in os.environ, "gbx_trace" in sys.modules, "/workspace/gbx_trace" in sys.path]
verdict(not any(found), found)
