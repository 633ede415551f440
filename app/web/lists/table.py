"""The rows of a ledger as HTML, joined in Python: as a template they were half of a list's time."""

from __future__ import annotations

from markupsafe import Markup, escape

from app.core.i18n import _
from app.web.frame.listing import Action, Cell, Listing

_LONG = 28  # characters, from which on a cell gets room and at most three lines


def body(listing: Listing) -> Markup:
    """``<tr>`` for each row."""
    heads = [
        f'data-col="{n}" data-label="{escape(c.label)}" class="col-{escape(c.kind)}"'
        + (" hidden" if c.off else "")
        for n, c in enumerate(listing.columns)
    ]
    kinds = [column.kind for column in listing.columns]
    choose, nothing = escape(_("选择")), escape(_("未填写"))
    bulk, key = bool(listing.bulk), listing.key
    token = escape(listing.token)
    lines: list[str] = []
    for row in listing.rows:
        cells = row.cells
        name = escape(cells[key].text)
        lines.append("<tr>")
        if bulk:
            tick = (
                f'<label class="tick-box"><input type="checkbox" name="id" value="{escape(row.id)}"'
                f' data-bulk-one aria-label="{choose} {name}"></label>'
            )
            lines.append(f'<td class="tick">{tick if row.selectable else ""}</td>')
        said = f'<a href="{escape(row.url)}" class="row-link">{name}</a>' if row.url else name
        link = f"{said}{_sub(cells[key])}"
        lines += [
            f'<th scope="row" {head}>{link}</th>'
            if n == key
            else f"<td {head if cell.text else _without_text(head)}>{_cell(cell, kind, nothing)}</td>"
            for n, (head, kind, cell) in enumerate(zip(heads, kinds, cells, strict=True))
        ]
        lines.append('<td class="col-actions">')
        lines += [_action(action, name, token) for action in row.actions]
        lines.append("</td></tr>")
    return Markup("".join(lines))  # noqa: S704 (every value above is escaped)


def _action(action: Action, name: Markup, token: Markup) -> str:
    """A link; what changes something is a form."""
    look = f'class="row-action{" is-first" if action.primary else ""}"'
    said = f'{escape(action.label)}<span class="visually-hidden"> {name}</span>'
    url = escape(action.url)
    if not action.post:
        return f'<a {look} href="{url}">{said}</a>'
    return (
        f'<form method="post" action="{url}" class="inline-form" data-once>'
        f'<input type="hidden" name="csrf_token" value="{token}"><button {look}>{said}</button></form>'
    )


def _without_text(head: str) -> str:
    """A cell that says nothing takes no room where rows are cards."""
    return head.replace('class="', 'class="is-empty ', 1)


def _cell(cell: Cell, usual: str, nothing: Markup) -> str:
    """``usual``: the kind of its column."""
    text, kind = cell.text, cell.kind or usual
    if not text:
        shown = f'<span class="nothing" aria-label="{nothing}">—</span>'
    elif kind == "tag":
        shown = f'<span class="tag tag-{escape(cell.tone)}">{escape(text)}</span>'
    elif len(text) > _LONG:
        said = escape(text)
        shown = f'<span class="cell-{kind} cell-long" title="{said}">{said}</span>'
    else:
        shown = f'<span class="cell-{kind}">{escape(text)}</span>'
    return shown + _sub(cell)


def _sub(cell: Cell) -> str:
    return f'<small class="sub">{escape(cell.sub)}</small>' if cell.sub else ""
