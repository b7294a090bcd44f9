"""Run a `python` block and hold its comments to their word.

`expression  # -> shown` compares `repr` of the value (what was printed, for a call of `print`);
`name = expression  # -> shown` does so after the assignment;
`statement  # raises NameOfError` demands that error, `# raises NameOfError: text` its text too.
A shown text continues on following comment lines that are indented by two spaces or more. The
standard output of the block is compared with the `text` block that follows it, if there is one.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.docs.blocks import Block
from tests.docs.outcome import verify

__all__ = ["run_python"]

_MARK = re.compile(r"#\s*(?P<kind>->|raises\b)\s*(?P<text>.*)")
_CONTINUED = re.compile(r"#\s{2,}(?P<text>\S.*)")


@dataclass(frozen=True, slots=True)
class _Promise:
    kind: str
    text: str
    place: str


def run_python(block: Block, namespace: dict[str, Any]) -> None:
    """Execute `block` in `namespace` and check everything it promises."""
    promises = _promises(block)
    tree = _Binder(promises).visit(ast.parse(block.text, filename=str(block.path)))
    assert not promises, f"{block}: no statement ends at {[p.place for p in promises.values()]}"
    ast.increment_lineno(tree, block.line - 1)
    namespace.update(_expect_value=_expect_value, _expect_print=_expect_print, _raises=_raises)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.fix_missing_locations(tree), str(block.path), "exec"), namespace)
    if block.expected is not None:
        verify(block.expected, printed.getvalue(), str(block))


def _promises(block: Block) -> dict[int, _Promise]:
    """Map the last line of a statement to what its comment promises."""
    found: dict[int, _Promise] = {}
    code_line = 0
    open_line = -1
    skipped = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(block.text).readline):
        if token.type in skipped or token.type == tokenize.ENDMARKER:
            continue
        if token.type != tokenize.COMMENT:
            code_line, open_line = token.end[0], -1
        elif match := _MARK.match(token.string):
            place = f"{block.path}:{block.line + token.start[0] - 1}"
            found[code_line] = _Promise(match["kind"], match["text"], place)
            open_line = code_line
        elif open_line in found and (match := _CONTINUED.match(token.string)):
            last = found[open_line]
            found[open_line] = _Promise(last.kind, f"{last.text}\n{match['text']}", last.place)
        else:
            open_line = -1
    return found


class _Binder(ast.NodeTransformer):
    """Wrap each statement that has a promise in the check of it."""

    def __init__(self, promises: dict[int, _Promise]) -> None:
        self.promises = promises

    def visit(self, node: ast.AST) -> Any:
        node = self.generic_visit(node)
        if not isinstance(node, ast.stmt) or node.end_lineno not in self.promises:
            return node
        promise = self.promises[node.end_lineno]
        if promise.kind == "raises":
            bound = _demand_error(node, promise)
        elif isinstance(node, ast.Expr):
            bound = _demand_value(node.value, promise)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            bound = [node, *_demand_value(ast.Name(node.targets[0].id, ast.Load()), promise)]
        else:
            return node
        del self.promises[node.end_lineno]
        return [ast.copy_location(each, node) for each in bound]


def _demand_value(value: ast.expr, promise: _Promise) -> list[ast.stmt]:
    name = "_expect_print" if _is_print(value) else "_expect_value"
    late = ast.Lambda(_NO_ARGUMENTS, value) if name == "_expect_print" else value
    call = ast.Call(
        ast.Name(name, ast.Load()),
        [late, ast.Constant(promise.text), ast.Constant(promise.place)],
        [],
    )
    return [ast.Expr(call)]


def _demand_error(statement: ast.stmt, promise: _Promise) -> list[ast.stmt]:
    call = ast.Call(
        ast.Name("_raises", ast.Load()),
        [ast.Constant(promise.text), ast.Constant(promise.place)],
        [],
    )
    return [ast.With([ast.withitem(call)], [statement])]


_NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])


def _is_print(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "print"
    )


def _expect_value(value: object, text: str, place: str) -> None:
    verify(text, repr(value), place)


def _expect_print(call: Any, text: str, place: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        call()
    verify(text, printed.getvalue(), place)


@contextlib.contextmanager
def _raises(text: str, place: str) -> Iterator[None]:
    name, _, message = text.partition(":")
    try:
        yield
    except Exception as error:
        names = {each.__name__ for each in type(error).__mro__}
        if name.strip().rpartition(".")[2] not in names:
            raise
        if message.strip():
            verify(message, str(error), place)
    else:
        raise AssertionError(f"{place}\nshown: raises {text}\nreal: nothing was raised")
