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
        input=page, output=to, root=str(Path(page).parent), sys_inputs=data, format="pdf",
        pdf_tags=False,  # a joined paper has none
    )  # fmt: skip


def _join(to: str, *parts: str) -> None:
    """By a job of qpdf's, which reads what is on a page when it writes it: pages that are handed over one by
    one are all held until the whole is written.
    """
    blank = Path(to).with_suffix(".blank")
    with pikepdf.Pdf.new() as one:
        one.add_blank_page(page_size=_A4)
        one.save(blank)
    pages: list[str] = []
    odd = False
    for part in parts:
        pages += [str(blank), part] if odd else [part]
        with pikepdf.open(part) as one:
            odd = len(one.pages) % 2 == 1
    pikepdf.Job(["join", "--empty", "--pages", *pages, "--", to]).run()


#: Points.
_A4 = (595, 842)

if __name__ == "__main__":
    main(*sys.argv[1:])
