"""Writes docs/declaration.md: what a register may say, taken from the code that reads it.

python tools/reference.py           writes the page
python tools/reference.py --check   says whether it is what would be written

A class or a function is told by its docstring, an argument by the comment beside it (or by ``#:`` above).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/declaration.md"

#: The parts of a declaration, as one meets them, and where each is read.
CHAPTERS = (
    ("The register", "app/kernel/declare/register.py"),
    ("Groups of a register", "app/kernel/declare/groups.py"),
    ("Who enters a register", "app/access/entry.py"),
    ("Figures and years", "app/kernel/declare/figures.py"),
    ("Statistics", "app/kernel/declare/tables.py"),
    ("What registers say in the usual words", "app/kernel/rows/standard.py"),
    ("Lists of households", "app/kernel/declare/house_lists.py"),
    ("How grave a broken rule is", "app/kernel/declare/quality.py"),
    ("Fields", "app/kernel/declare/fields.py"),
    ("What a field may say, and what may be asked of it", "app/kernel/declare/field.py"),
    ("Kinds of fields", "app/kernel/kinds/kind.py"),
    ("Kinds: text", "app/kernel/kinds/text.py"),
    ("Kinds: numbers", "app/kernel/kinds/number.py"),
    ("Kinds: days", "app/kernel/kinds/date.py"),
    ("Kinds: choices", "app/kernel/kinds/choice.py"),
    ("Kinds: people, firms, accounts", "app/kernel/kinds/identity.py"),
    ("Kinds: divisions", "app/kernel/kinds/region.py"),
    ("Kinds: rows in a record", "app/kernel/kinds/children.py"),
    ("Kinds: files", "app/kernel/kinds/photo.py"),
    ("Conditions", "app/kernel/declare/expressions.py"),
    ("Values in conditions", "app/kernel/declare/terms.py"),
    ("What is worked out", "app/kernel/declare/formulas.py"),
    ("Rules", "app/kernel/declare/rules.py"),
    ("States and steps", "app/kernel/declare/flow.py"),
    ("Stages", "app/kernel/declare/stages.py"),
    ("Records that go on from another register's", "app/kernel/rows/continuing.py"),
)

#: Bases of classes whose attributes are choices or fields.
_DECLARING = {"Choices", "f.Declared"}
#: A constant of so many characters tells itself.
_SHORT = 100

_BESIDE = re.compile(r"  #:? ")

_HEAD = """# What a declaration may say

Made by `tools/reference.py` from the docstrings of the code, which a test compares with this page: change
the code, then run `.venv/bin/python tools/reference.py`. How a register is made stands in
[CONTRIBUTING.md](../CONTRIBUTING.md), and a whole one in
[`app/modules/surveys/lookback`](../app/modules/surveys/lookback).
"""


@dataclass
class Entry:
    """A public name of a module: a class, a function or a constant."""

    name: str
    call: str  # how it is written
    text: str  # what it says of itself, "" for nothing
    arguments: list[tuple[str, str]] = field(default_factory=list)  # written, and what it means
    values: list[tuple[str, str]] = field(
        default_factory=list
    )  # choices, fields: they tell themselves
    asked: list[tuple[str, str]] = field(default_factory=list)  # methods and properties

    def untold(self) -> Iterator[str]:
        """What nothing is said of."""
        if not self.text and "=" not in self.call:
            yield self.name
        for written, text in self.arguments:
            name = written.partition(":")[0]
            if not text and f"`{name}`" not in self.text:
                yield f"{self.name}.{name}"
        yield from (f"{self.name}.{name}" for name, text in self.asked if not text)


def entries(path: Path) -> list[Entry]:
    """The public names of a module, in its order."""
    source = path.read_text(encoding="utf-8")
    lines, found = source.splitlines(), []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found.append(_of_class(node, lines))
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found.append(Entry(node.name, node.name + _signature(node), _text(node)))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found += _of_constant(node, lines)
    return found


def _of_class(node: ast.ClassDef, lines: list[str]) -> Entry:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    made = Entry(node.name, f"{node.name}({bases})" if bases else node.name, _text(node))
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            if not part.target.id.startswith("_"):
                made.arguments.append((ast.unparse(part), _comment(part, lines)))
        elif isinstance(part, ast.Assign) and _DECLARING & {ast.unparse(b) for b in node.bases}:
            made.values.append((ast.unparse(part), _comment(part, lines)))
        elif isinstance(part, ast.FunctionDef) and _is_own(part, node):
            call = part.name + ("" if _is_property(part) else _signature(part))
            made.asked.append((call, _text(part)))
    return made


def _is_property(node: ast.FunctionDef) -> bool:
    return any("property" in ast.unparse(one) for one in node.decorator_list)


def _is_own(part: ast.FunctionDef, node: ast.ClassDef) -> bool:
    """Says a method something of its own? One that only does what its base promises has no docstring."""
    if part.name.startswith("_"):
        return False
    return bool(ast.get_docstring(part)) or not node.bases


def _of_constant(node: ast.Assign | ast.AnnAssign, lines: list[str]) -> Iterator[Entry]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    written = ast.unparse(node)
    for target in targets:
        for name in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(name, ast.Name) and not name.id.startswith("_") and len(name.id) > 1:
                call = written if len(written) <= _SHORT else name.id
                yield Entry(name.id, call, _comment(node, lines))


def _signature(node: ast.FunctionDef) -> str:
    arguments = [one for one in ast.unparse(node.args).split(", ") if one not in {"self", "cls"}]
    gives = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"({', '.join(arguments)}){gives}"


def _comment(node: ast.stmt, lines: list[str]) -> str:
    """The comment beside a statement, or the one that ``#:`` begins above it."""
    if node.end_lineno is None:
        return ""
    beside = ["".join(_BESIDE.split(lines[n])[1:]) for n in range(node.lineno - 1, node.end_lineno)]
    above: list[str] = []
    n = node.lineno - 2
    while n >= 0 and lines[n].strip().startswith("#"):
        above.insert(0, lines[n].strip().removeprefix("#").removeprefix(":").strip())
        n -= 1
    told = above if above and lines[n + 1].strip().startswith("#:") else []
    said = [text for text in beside if text and not text.startswith(("type:", "noqa", "fmt:"))]
    return _plain(" ".join(told + said))


def _text(node: ast.ClassDef | ast.FunctionDef) -> str:
    return _plain(ast.get_docstring(node) or "")


def _plain(text: str) -> str:
    """Docstrings' marks as those of a page."""
    text = re.sub(r":\w+:`~?([\w.]+)`", r"`\1`", text).replace("``", "`")
    text = re.sub(r":raises (\w+): ", r"Raises `\1`: ", text)
    return text.replace("<", "&lt;").strip()


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, name in CHAPTERS:
        module = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        about = _plain(ast.get_docstring(module) or "")
        parts.append(f"## {title}\n\n[`{name}`](../{name}): {about}\n")
        parts += [_entry(one) for one in entries(ROOT / name)]
    return "\n".join(parts)


def _entry(one: Entry) -> str:
    call = "" if one.call == one.name else f"`{one.call}`\n\n"
    made = f"### {one.name}\n\n{call}{one.text}\n"
    for told in (one.arguments, one.values, [(f".{name}", text) for name, text in one.asked]):
        if told:
            made += "\n" + "".join(_line(written, text) for written, text in told)
    return made


def _line(written: str, text: str) -> str:
    said = " ".join(text.split())
    return f"- `{written}`" + (f": {said}\n" if said else "\n")


def untold() -> list[str]:
    """All of which nothing is said, with its file."""
    return [
        f"{name}: {what}"
        for _t, name in CHAPTERS
        for e in entries(ROOT / name)
        for what in e.untold()
    ]


def main() -> None:
    for what in untold():
        print(f"nothing is said of {what}")
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
