"""How a cell ended."""

from dataclasses import dataclass


@dataclass
class Outcome:
    """How a cell ended. `error` holds Jupyter's ename, evalue and traceback."""

    error: dict | None = None
    exit_code: int | None = None
    interrupted: bool = False
    # Each as IPython has it: a MIME bundle, or an error.
    user_expressions: dict | None = None


def described(etype: type, evalue: BaseException, lines: list[str] | None) -> dict:
    """An error as Jupyter has it. Without lines somebody else has printed it, and one line names it."""
    try:
        text = str(evalue)
    except Exception:
        text = "<exception str() failed>"
    if lines is None:
        lines = [f"{etype.__name__}: {text}" if text else str(etype.__name__)]
    return {
        "ename": str(etype.__name__)[:1024],
        "evalue": text[:65536],
        "traceback": [str(line)[:65536] for line in lines][:200],
    }
