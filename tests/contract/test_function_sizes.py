"""A function is seen whole on a screen: who makes one longer tells its steps apart and names them."""

import ast
from collections.abc import Iterator

import pytest

from tests.contract.imports import ROOT
from tests.contract.test_file_sizes import WRITTEN_BY_HAND

MOST_LINES = 50
"""From the first statement on: parameters and docstrings are read one by one, functions inside have names."""

PLACES = ("server", "clients", "scripts")
"""Not the tests, which tell a story from its beginning to its end, nor migrations, which have run."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    within = sum(_length(each) for each in _inside(function))
    return (function.end_lineno or 0) - body[0].lineno + 1 - within


def _inside(node: ast.AST) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child
        else:
            yield from _inside(child)


def _length(function: Function) -> int:
    begins = min([function.lineno, *(each.lineno for each in function.decorator_list)])
    return (function.end_lineno or 0) - begins + 1


def is_list(function: Function) -> bool:
    """Tells whether it adds one command after the other, and does nothing else."""
    values = [each.value for each in function.body if isinstance(each, ast.Expr | ast.Assign)]
    called = {
        each.func.id for each in values if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }
    return len(values) == len(function.body) and "add" in called


@pytest.mark.parametrize("place", PLACES)
def test_no_function_is_longer_than_a_screen(place: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {function.name}": lines(function)
        for path in sorted((ROOT / place).rglob("*.py"))
        if WRITTEN_BY_HAND(path.relative_to(ROOT).parts)
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, Function) and not is_list(function)
    }

    assert found
    assert {name: count for name, count in found.items() if count > MOST_LINES} == {}
