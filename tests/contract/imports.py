"""The import graph of the repository's own code, read with `ast`: nothing is imported to find it."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    "server": ROOT / "server",
    "namak": ROOT / "clients/python/src/namak",
    "migrations": ROOT / "migrations",
}
GENERATED = "namak.v1"


@cache
def import_graph() -> Mapping[str, frozenset[str]]:
    """Returns for every module what it imports, as full names; the generated stubs are left out."""
    graph = {}
    for package, directory in SOURCES.items():
        for path in sorted(directory.rglob("*.py")):
            module = _module(package, path.relative_to(directory))
            if not is_within(module, GENERATED):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                graph[module] = frozenset(_imports(tree))
    return graph


def is_within(module: str, package: str) -> bool:
    """Tells whether a module is the package, or is in it."""
    return module == package or module.startswith(f"{package}.")


def _module(package: str, path: Path) -> str:
    parts = [package, *path.with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name` may import a module or a name of one: both are named.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
