"""A plain cell as compiled code: what only runs, and the last expression, whose value is the result."""

import ast
import re
import types

# Compiled code, and whether its value is the cell's result.
Piece = tuple[types.CodeType, bool]

# A line that cannot be the rest of something and is no assignment or other statement at first
# sight. What this lets through wrongly costs time and nothing else.
_MAY_BE_EXPRESSION = re.compile(
    r"(?!(?:import|from|def|class|for|if|while|with|try|return|del|assert|raise|pass|global|async|else|elif|except|finally)\b)"
    r"[A-Za-z_0-9(\[{-][^;=]*(?:==[^;=]*|\([^;]*\)[^;=]*)?$"
)


def pieces_of(code: str, name: str, flags: int) -> list[Piece]:
    """In the order in which they run. Raises what the compiler does."""
    return _pieces_by_line(code, name, flags) or _pieces_by_tree(code, name, flags)


def _pieces_by_line(code: str, name: str, flags: int) -> list[Piece] | None:
    """The short cut for a cell whose last line is an expression by itself. Making Python
    objects of a syntax tree, only to look at its last node, costs more than the rest.

    Where both what stands before the line and the line compile on their own, they mean the
    same apart as together."""
    body = code.rstrip()
    start = body.rfind("\n") + 1
    last = body[start:]
    if not _MAY_BE_EXPRESSION.match(last):
        return None
    try:
        shown = compile("\n" * body.count("\n") + last, name, "eval", flags, True)
        if start == 0:
            return [(shown, True)]
        return [(compile(body[:start], name, "exec", flags, True), False), (shown, True)]
    except SyntaxError:
        return None


def _pieces_by_tree(code: str, name: str, flags: int) -> list[Piece]:
    tree = compile(code, name, "exec", ast.PyCF_ONLY_AST | flags, True)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return [(compile(tree, name, "exec", flags, True), False)]
    shown = ast.Expression(tree.body.pop().value)
    pieces = [(compile(tree, name, "exec", flags, True), False)] if tree.body else []
    return [*pieces, (compile(shown, name, "eval", flags, True), True)]
