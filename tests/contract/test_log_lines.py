"""Log lines are constant words with fields, and no field is filled from what names a person.

That nothing personal comes out at run time is shown in `tests/system`; this holds every line to it, also
those that no test brings about.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.contract.imports import SOURCES

LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
MASK = "masked"
# What values are called that say whom something is about, or what was said.
PERSONAL = frozenset(
    {
        "code_entered",
        "content",
        "given_name",
        "holder_number",
        "identifier",
        "iin",
        "login",
        "mailbox_address",
        "name_of_person",
        "national_number",
        "number",
        "password",
        "person_name",
        "person_number",
        "personal_number",
        "phone",
        "pin",
        "recipient",
        "request_id",
        "secret",
        "sender",
        "subject",
        "surname",
        "token_value",
    }
)


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Yields every call of a logger: `_log.info(…)`, `self._log.info(…)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            logger = node.func.value
            name = logger.attr if isinstance(logger, ast.Attribute) else getattr(logger, "id", "")
            if name.strip("_") in {"log", "logger"}:
                yield node


def personal(value: ast.AST) -> Iterator[str]:
    """Yields the names in an expression that stand for something personal and are not masked."""
    if isinstance(value, ast.Call) and getattr(value.func, "attr", getattr(value.func, "id", "")) == MASK:
        return
    name = getattr(value, "attr", getattr(value, "id", None))
    if isinstance(value, ast.Attribute | ast.Name) and name in PERSONAL:
        yield str(name)
    for below in ast.iter_child_nodes(value):
        yield from personal(below)


def faults(source: str) -> list[str]:
    """Returns what is wrong with the log lines of a module."""
    found = []
    for call in log_calls(ast.parse(source)):
        for value in (*call.args, *(keyword.value for keyword in call.keywords)):
            found += [f"line {call.lineno}: {name}" for name in personal(value)]
        found += [f"line {call.lineno}: {word.arg}" for word in call.keywords if word.arg in PERSONAL]
        if not call.args or isinstance(call.args[0], ast.JoinedStr | ast.BinOp):
            found.append(f"line {call.lineno}: its words are put together")
    return found


def test_no_log_line_is_filled_with_what_names_a_person() -> None:
    wrong = {
        str(path.relative_to(SOURCES["server"])): found
        for path in sorted(SOURCES["server"].rglob("*.py"))
        if (found := faults(path.read_text(encoding="utf-8")))
    }
    assert wrong == {}


def test_log_lines_are_found_where_they_are() -> None:
    calls = sum(
        len(list(log_calls(ast.parse(path.read_text(encoding="utf-8")))))
        for path in SOURCES["server"].rglob("*.py")
    )
    assert calls > 30


@pytest.mark.parametrize(
    "line",
    [
        "_log.info('signed in', who=person_number)",
        "_log.info('signed in', who=str(caller.person_number))",
        "self._log.warning('refused', recipient='x')",
        "_log.error('refused', detail=f'of {command.recipient}')",
        "_log.info(f'{person_number} signed in')",
        "_log.info('refused ' + words)",
        "logger.info('refused', who=[holder.number])",
    ],
)
def test_a_line_that_names_a_person_is_found(line: str) -> None:
    assert faults(line) != []


@pytest.mark.parametrize(
    "line",
    [
        "_log.info('signed in', who=masked(caller.person_number))",
        "_log.info('signed in', who=identifiers.masked(number))",
        "_log.info('listening', port=self.port)",
    ],
)
def test_a_line_that_names_nobody_is_left_alone(line: str) -> None:
    assert faults(line) == []
