"""Sets a part of a paper, or joins parts, in a process of its own: what a typesetter keeps in memory
grows with every page that it has set, and goes with its process. Run by :mod:`app.kernel.exchange.printing`;
it imports nothing of ours.

``set PAGE TO FONTS…`` with the data as JSON on stdin; ``join TO PARTS…``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pikepdf
import typst


def main(what: str, *arguments: str) -> None:
    """Do what the command line says."""
    if what == "join":
        _join(*arguments)
    else:
        _set(*arguments)


def _set(page: str, to: str, *fonts: str) -> None:
    data = {"data": sys.stdin.read()}
    compiler = typst.Compiler(font_paths=list(fonts))
    compiler.compile(
        input=page, output=to, root=str(Path(page).parent), sys_inputs=data, format="pdf"
    )


def _join(to: str, *parts: str) -> None:
    with pikepdf.Pdf.new() as whole:
        opened = [pikepdf.open(part) for part in parts]  # pages are read when the whole is written
        for number, one in enumerate(opened):
            whole.pages.extend(one.pages)
            if len(one.pages) % 2 and number + 1 < len(opened):
                whole.add_blank_page(page_size=(_WIDTH, _HEIGHT))
        whole.save(to)


#: Points of A4.
_WIDTH, _HEIGHT = 595, 842

if __name__ == "__main__":
    main(*sys.argv[1:])
