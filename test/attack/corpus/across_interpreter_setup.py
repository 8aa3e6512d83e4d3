import builtins, math

builtins.gbx_trace = 1
math.pi = 3
os.environ["GBX_TRACE"] = "1"
sys.modules["gbx_trace"] = math
sys.path.append("/workspace/gbx_trace")
