"""Looks at code without running it, inside the sandbox that would run it.

What it says is advice: Python can do everything that is looked for here in ways that no reading
finds, and earlier code of the same session can change what this code says. The confinement does
not rely on it. The gateway sends this file as a question, with its arguments behind it.
"""

import ast
import importlib.util
import sys

CODE_CHARACTERS_MAX = 200_000
FINDINGS_MAX = 100
_MESSAGE_CHARACTERS_MAX = 200
_ALLOWED_ROOTS = ("/workspace", "/tmp", "/data")

# By the dotted name of what is imported, called or looked at; a name counts for all that is below it.
_RULES = {
    "network": (
        "socket ssl urllib.request urllib3 http.client http.server ftplib smtplib imaplib poplib telnetlib "
        "xmlrpc socketserver requests httpx aiohttp websocket websockets paramiko asyncio.open_connection "
        "asyncio.start_server pandas.io.common.urlopen"
    ),
    "process": (
        "subprocess pty os.system os.popen os.fork os.forkpty os.kill os.killpg os.execv os.execve os.execl "
        "os.execlp os.execvp os.spawnl os.spawnv os.spawnve os.posix_spawn signal.alarm signal.signal "
        "asyncio.create_subprocess_exec asyncio.create_subprocess_shell get_ipython.system get_ipython.getoutput"
    ),
    "file_delete": "os.remove os.unlink os.rmdir os.removedirs os.truncate shutil.rmtree shutil.move",
    "dynamic_code": "eval exec compile __import__ runpy code.interact",
    "native_code": "ctypes cffi _ctypes mmap numpy.ctypeslib numba.cfunc",
    "introspection": "gc sys._getframe sys._current_frames sys.settrace sys.setprofile inspect.currentframe inspect.stack",
    "environment": "os.environ os.getenv os.putenv os.unsetenv",
    "unsafe_loading": (
        "pickle.load pickle.loads pickle.Unpickler cPickle dill.load dill.loads cloudpickle.load cloudpickle.loads "
        "marshal.load marshal.loads shelve.open joblib.load pandas.read_pickle torch.load jsonpickle.decode "
        "yaml.unsafe_load yaml.full_load"
    ),
    "file_access": "open io.open os.open pathlib.Path shutil glob tempfile os.listdir os.scandir os.walk os.rename os.mkdir os.makedirs",
}
_RULE_OF = {name: rule for rule, names in _RULES.items() for name in names.split()}
_METHODS = {
    "unlink": "file_delete",
    "rmdir": "file_delete",
    "read_text": "file_access",
    "write_text": "file_access",
    "read_bytes": "file_access",
    "write_bytes": "file_access",
    "savefig": "file_access",
}
_FILE_METHOD_PREFIXES = ("read_", "to_")
_FILE_METHODS_OF = ("csv", "excel", "json", "parquet", "feather", "hdf", "table", "fwf", "html", "pickle", "xml")
_INTROSPECTIVE = frozenset(
    "__subclasses__ __globals__ __bases__ __base__ __mro__ __code__ __builtins__ __closure__ __getattribute__ "
    "gi_frame cr_frame tb_frame f_globals f_locals f_back".split()
)
_ENDLESS = frozenset({"itertools.count", "itertools.cycle"})
_EXITS = frozenset({"sys.exit", "os._exit", "exit", "quit", "os.abort"})


def main(arguments: dict) -> dict:
    """`candidates`: readings of one piece of code. Chooses the first that is Python, and examines it."""
    candidates = arguments["candidates"]
    failure = None
    for index, code in enumerate(candidates):
        if len(code) > CODE_CHARACTERS_MAX:
            return {"chosen": index, "findings": [], "checked": False}
        tree, problem = parse(code)
        if tree is not None:
            findings = Examination(tree).findings()
            return {"chosen": index, "findings": findings, "checked": True}
        failure = failure or problem
    return {"chosen": 0, "findings": [failure], "checked": True}


def parse(code: str) -> tuple[ast.Module | None, dict | None]:
    """The tree, or what is wrong. Magics and `!` are Python once IPython has translated them."""
    try:
        return _parse_plain(code), None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        problem = error
    translated = _translated(code)
    if translated is not None and translated != code:
        try:
            return _parse_plain(translated), None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    line = getattr(problem, "lineno", None) or 1
    column = getattr(problem, "offset", None) or 1
    message = getattr(problem, "msg", None) or str(problem) or type(problem).__name__
    return None, finding("syntax_error", line, column, message)


def _parse_plain(code: str) -> ast.Module:
    tree = ast.parse(code)
    # Some mistakes, such as `return` outside of a function, show only when the tree is compiled.
    compile(tree, "<code>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return tree


def _translated(code: str) -> str | None:
    try:
        from IPython import get_ipython

        return get_ipython().transform_cell(code)
    except Exception:
        return None  # No IPython here, or code that its translation stumbles over.


def finding(rule: str, line: int, column: int, message: str) -> dict:
    return {
        "rule": rule,
        "line": min(max(1, line), 10_000_000),
        "column": min(max(1, column), 10_000_000),
        "message": message[:_MESSAGE_CHARACTERS_MAX],
    }


class Examination:
    """One pass over a tree."""

    def __init__(self, tree: ast.Module):
        self._tree = tree
        self._names: dict[str, str] = {}
        self._found: dict[tuple, dict] = {}
        self._optional = set()

    def findings(self) -> list[dict]:
        nodes = list(ast.walk(self._tree))
        for node in nodes:
            if isinstance(node, ast.Try):
                self._optional |= _imports_that_may_fail(node)
        for node in nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node)
        for node in nodes:
            self._look_at(node)
        ordered = sorted(self._found.values(), key=lambda one: (one["line"], one["column"]))
        return ordered[:FINDINGS_MAX]

    def _note(self, rule: str, node: ast.AST, message: str) -> None:
        # Once for each line and rule is enough.
        self._found.setdefault(
            (rule, node.lineno), finding(rule, node.lineno, node.col_offset + 1, message)
        )

    # --- names ------------------------------------------------------------------------------

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                self._names[alias.asname or top] = alias.name if alias.asname else top
                self._imported(node, alias.name)
            return
        if node.level:
            return  # Relative: a package of the user's own.
        module = node.module or ""
        for alias in node.names:
            self._names[alias.asname or alias.name] = f"{module}.{alias.name}"
            self._by_name(node, f"{module}.{alias.name}", "imports")
        self._imported(node, module)

    def _imported(self, node: ast.AST, name: str) -> None:
        self._by_name(node, name, "imports")
        top = name.split(".")[0]
        if node not in self._optional and not _is_installed(top):
            self._note("missing_import", node, f"there is no module {top}")

    def _by_name(self, node: ast.AST, name: str, how: str) -> None:
        rule = _rule_of(name)
        if rule:
            self._note(rule, node, f"{how} {name}")

    def _dotted(self, node: ast.AST) -> str | None:
        """`np.random.rand` -> numpy.random.rand, calls on the way left out."""
        parts = []
        while True:
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call):
                node = node.func
            elif isinstance(node, ast.Name):
                parts.append(self._names.get(node.id, node.id))
                return ".".join(reversed(parts))
            else:
                return None

    # --- nodes ------------------------------------------------------------------------------

    def _look_at(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.Attribute):
            self._attribute(node)
        elif isinstance(node, ast.Name) and node.id in ("__builtins__", "__loader__"):
            self._note("introspection", node, f"uses {node.id}")
        elif isinstance(node, (ast.While, ast.For)):
            self._loop(node)

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr in _INTROSPECTIVE:
            self._note("introspection", node, f"uses {node.attr}")
        name = self._dotted(node)
        if name and _rule_of(name) in ("environment", "introspection", "native_code"):
            self._by_name(node, name, "uses")

    def _call(self, node: ast.Call) -> None:
        name = self._dotted(node.func)
        if name is None:
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            self._method(node, method)
            return
        rule = _rule_of(name)
        if rule == "dynamic_code" and "." not in name and self._is_harmless_import(name, node):
            rule = None
        if rule:
            self._note(rule, node, f"calls {name}")
        if name == "importlib.import_module" and not _is_constant(node.args):
            self._note("dynamic_code", node, "imports a module by a computed name")
        if name == "yaml.load" and not _has_safe_loader(node):
            self._note("unsafe_loading", node, "calls yaml.load without a safe loader")
        if name == "numpy.load" and any(key.arg == "allow_pickle" for key in node.keywords):
            self._note("unsafe_loading", node, "lets numpy.load unpickle")
        method = name.rpartition(".")[2]
        if "." in name:
            self._method(node, method)
        if rule in ("file_access", "file_delete") or self._is_file_method(method):
            self._paths(node)

    def _method(self, node: ast.Call, method: str) -> None:
        rule = _METHODS.get(method)
        if rule:
            self._note(rule, node, f"calls {method}")
        elif self._is_file_method(method):
            self._note("file_access", node, f"calls {method}")

    @staticmethod
    def _is_file_method(method: str) -> bool:
        return method.startswith(_FILE_METHOD_PREFIXES) and method.split("_", 1)[1] in _FILE_METHODS_OF

    @staticmethod
    def _is_harmless_import(name: str, node: ast.Call) -> bool:
        return name == "__import__" and _is_constant(node.args)

    def _paths(self, node: ast.Call) -> None:
        for argument in node.args[:2]:
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                continue
            path = argument.value
            leaves = ".." in path.split("/") or path.startswith("~")
            if leaves or (path.startswith("/") and not path.startswith(_ALLOWED_ROOTS)):
                self._note("file_outside", node, f"names the path {path[:100]!r}")

    def _loop(self, node: ast.While | ast.For) -> None:
        if isinstance(node, ast.While):
            endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        else:
            name = self._dotted(node.iter) if isinstance(node.iter, ast.Call) else None
            endless = name in _ENDLESS or (name == "itertools.repeat" and len(node.iter.args) == 1)
        if endless and not self._may_leave(node):
            self._note("endless_loop", node, "a loop that nothing ends")

    def _may_leave(self, loop: ast.While | ast.For) -> bool:
        """Whether something in the loop's body ends it, or waits for something that might."""
        pending: list[tuple[ast.AST, bool]] = [(child, False) for child in loop.body]
        while pending:
            node, in_inner_loop = pending.pop()
            if isinstance(node, (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await)):
                return True
            if isinstance(node, ast.Break) and not in_inner_loop:
                return True
            if isinstance(node, ast.Call) and self._dotted(node.func) in (*_EXITS, "next", "input"):
                return True
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
                continue  # What is defined here runs elsewhere.
            inner = in_inner_loop or isinstance(node, (ast.While, ast.For, ast.AsyncFor))
            pending += [(child, inner) for child in ast.iter_child_nodes(node)]
        return False


def _rule_of(name: str) -> str | None:
    while name:
        if name in _RULE_OF:
            return _RULE_OF[name]
        name = name.rpartition(".")[0]
    return None


def _imports_that_may_fail(node: ast.Try) -> set[ast.AST]:
    """Those in `try: import x` with a handler for it: the code copes with either."""
    names = {
        name.id
        for handler in node.handlers
        for name in ast.walk(handler.type or ast.Name("Exception", ast.Load()))
        if isinstance(name, ast.Name)
    }
    if not names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}:
        return set()
    found = (one for child in node.body for one in ast.walk(child))
    return {one for one in found if isinstance(one, (ast.Import, ast.ImportFrom))}


def _is_installed(top: str) -> bool:
    if top in sys.modules or top in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError, AttributeError, OSError):
        return False


def _is_constant(arguments: list[ast.expr]) -> bool:
    return bool(arguments) and isinstance(arguments[0], ast.Constant)


def _has_safe_loader(node: ast.Call) -> bool:
    loaders = [*node.args[1:2], *(key.value for key in node.keywords if key.arg == "Loader")]
    return any("Safe" in ast.dump(loader) or "Base" in ast.dump(loader) for loader in loaders)
