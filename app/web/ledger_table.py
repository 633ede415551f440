"""The rows of a ledger as HTML, joined in Python: as a template they were half of a list's time."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from app.core.i18n import _

_LONG = 28  # characters, from which on a cell gets room and at most three lines


def body(ledger: dict[str, Any]) -> Markup:
    """``<tr>`` for each row; see anju/list.html for the shape of ``ledger``."""
    heads = [
        f'data-col="{n}" data-label="{escape(c["label"])}" class="col-{escape(c["kind"] or "text")}"'
        + (" hidden" if c.get("off") else "")
        for n, c in enumerate(ledger["columns"])
    ]
    choose, nothing = escape(_("选择")), escape(_("未填写"))
    bulk, key = bool(ledger.get("bulk")), ledger.get("key", 0)  # the column that names a row
    token = escape(ledger.get("token", ""))
    lines: list[str] = []
    for row in ledger["rows"]:
        cells = row["cells"]
        name = escape(cells[key]["text"])
        lines.append("<tr>")
        if bulk:
            tick = (
                f'<label class="tick-box"><input type="checkbox" name="id" value="{escape(row["id"])}"'
                f' data-bulk-one aria-label="{choose} {name}"></label>'
            )
            lines.append(f'<td class="tick">{tick if row.get("selectable") else ""}</td>')
        link = f'<a href="{escape(row["url"])}" class="row-link">{name}</a>{_sub(cells[key])}'
        lines += [
            f'<th scope="row" {head}>{link}</th>'
            if n == key
            else f"<td {head if cell['text'] else _without_text(head)}>{_cell(cell, nothing)}</td>"
            for n, (head, cell) in enumerate(zip(heads, cells, strict=True))
        ]
        lines.append('<td class="col-actions">')
        lines += [_action(action, name, token) for action in row["actions"]]
        lines.append("</td></tr>")
    return Markup("".join(lines))  # noqa: S704 (every value above is escaped)


def _action(action: dict[str, Any], name: Markup, token: Markup) -> str:
    """A link; what changes something is a form."""
    look = f'class="row-action{" is-first" if action.get("primary") else ""}"'
    said = f'{escape(action["label"])}<span class="visually-hidden"> {name}</span>'
    url = escape(action["url"])
    if not action.get("post"):
        return f'<a {look} href="{url}">{said}</a>'
    return (
        f'<form method="post" action="{url}" class="inline-form" data-once>'
        f'<input type="hidden" name="csrf_token" value="{token}"><button {look}>{said}</button></form>'
    )


def _without_text(head: str) -> str:
    """A cell that says nothing takes no room where rows are cards."""
    return head.replace('class="', 'class="is-empty ', 1)


def _cell(cell: dict[str, Any], nothing: Markup) -> str:
    text, kind = cell["text"], cell["kind"]
    if kind == "tag":
        shown = (
            f'<span class="tag tag-{escape(cell.get("tone") or "neutral")}">{escape(text)}</span>'
        )
    elif not text:
        shown = f'<span class="nothing" aria-label="{nothing}">—</span>'
    elif len(text) > _LONG:
        said = escape(text)
        shown = f'<span class="cell-{kind} cell-long" title="{said}">{said}</span>'
    else:
        shown = f'<span class="cell-{kind}">{escape(text)}</span>'
    return shown + _sub(cell)


def _sub(cell: dict[str, Any]) -> str:
    return f'<small class="sub">{escape(cell["sub"])}</small>' if cell.get("sub") else ""
