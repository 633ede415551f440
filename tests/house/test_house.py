"""The kernel names no module: what all registers have in common works without any one of them.

Read off the syntax tree, so imports inside functions count as well: a module is named by an import (of
it or of something in it), or by the name of its register as a string where a register is asked for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: What puts the program together, and the sample data.
ABOVE = ("app/demo/", "app/__init__.py", "app/commands.py", "app/models.py", "app/pages.py")
#: The registers of the modules, and the lists of households that they keep or follow.
REGISTERS = frozenset(
    [
        "application",
        "craftsman",
        "dossier",
        "lookback",
        "low_income",
        "monitoring",
        "parcel",
        "prior",
        "risk",
        "poverty_exit",
    ]
)
#: Functions, arguments and attributes that hold a register's or a list's name.
TAKE_A_NAME = frozenset({"get_register", "following", "enlist", "delist", "run_list"})
NAME_ARGUMENTS = frozenset({"register", "follows", "of", "the_list"})
NAME_ATTRIBUTES = frozenset({"name", "_name", "follows"})


def _of_modules(path: str) -> bool:
    return path.startswith("app/modules/")


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _python() -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "app").rglob("*.py"))


def _imported(tree: ast.AST, modules: frozenset[str]) -> Iterator[str]:
    """Modules that are imported, anywhere in the file, by whatever means."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names = [node.value.split(":")[0]]  # import_module("app.…"), "app.…:function"
        else:
            continue
        yield from (name for name in names if name in modules)


def _words(node: ast.AST | None) -> Iterator[str]:
    """The strings that an expression holds, if it is one or a collection of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for part in node.elts:
            yield from _words(part)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            yield from _words(key)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _named(tree: ast.AST) -> Iterator[str]:
    """Registers that are named where a register's name is taken or compared."""
    for node in ast.walk(tree):
        found: list[ast.AST | None] = []
        if isinstance(node, ast.Call):
            found = [part.value for part in node.keywords if part.arg in NAME_ARGUMENTS]
            if _called(node) in TAKE_A_NAME:
                found += node.args
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(one, ast.Attribute) and one.attr in NAME_ATTRIBUTES for one in sides):
                found = [*sides]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found = [node.value or node]
        elif isinstance(node, ast.arguments):
            found = [*node.defaults, *node.kw_defaults]
        for one in found:
            yield from (word for word in _words(one) if word in REGISTERS)


def _names(path: str, modules: frozenset[str]) -> str:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return " ".join(sorted({*_imported(tree, modules), *_named(tree)}))


def test_the_kernel_names_no_module() -> None:
    """A module can be left out, and a new one needs no line outside its folder."""
    files = _python()
    modules = frozenset(_module(path) for path in files if _of_modules(path))
    found = {
        path: names
        for path in files
        if not _of_modules(path) and not path.startswith(ABOVE)
        if (names := _names(path, modules))
    }
    assert not found
