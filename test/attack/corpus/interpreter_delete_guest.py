ours = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
ours |= {sys._getframe().f_back.f_code.co_filename} if sys._getframe().f_back else set()
targets = [path for path in ours if path and os.path.exists(path) and not path.startswith(("/tmp", "/workspace"))]
judge_actions({path: lambda path=path: os.unlink(path) for path in targets})
