"""How the code lies: lines, files a folder, lengths of functions. The table of docs/benchmarks.md.

python tools/shape.py [FOLDER]      app, unless another one is named
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    files = sorted(folder.rglob("*.py"))
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in files}
    rooms = Counter(path.parent for path in files)
    lengths = sorted(length for path in files for length in functions(path))
    largest, most = rooms.most_common(1)[0]
    print(f"Python files          {len(files):>8,}")
    print(f"lines                 {sum(lines.values()):>8,}")
    print(f"folders               {len(rooms):>8,}")
    print(f"files a folder, mean  {len(files) / len(rooms):>8.1f}")
    print(f"largest folder        {most:>8,}  {largest.relative_to(ROOT)}")
    print(f"lines a file, median  {median(lines.values()):>8.0f}")
    print(f"lines a file, p90     {quantiles(lines.values(), n=10)[-1]:>8.0f}")
    print(f"lines a file, most    {max(lines.values()):>8,}")
    print(f"functions             {len(lengths):>8,}")
    print(f"their lines, median   {median(lengths):>8.0f}")
    print(f"their lines, p90      {quantiles(lengths, n=10)[-1]:>8.0f}")
    print(f"their lines, most     {lengths[-1]:>8,}")


def functions(path: Path) -> Iterator[int]:
    """Lines of every function, with its docstring and without its decorators."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    main((ROOT / (sys.argv[1] if sys.argv[1:] else "app")).resolve())
