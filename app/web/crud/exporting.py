"""What a generated list shows, as Excel or CSV: whole, once a reason is stated (spec 01 "Personal data")."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flask import request, send_file
from werkzeug import Response

from app.access.audit import log as audit
from app.access.audit.log import Act
from app.access.divisions import regions
from app.access.scope import current_actor
from app.core.clock import today
from app.core.errors import BadInput
from app.core.i18n import _
from app.core.transactions import transaction
from app.kernel.exchange.reasons import required_reason
from app.kernel.exchange.writer import MEDIA_TYPE, Book, Column
from app.web.crud import listing
from app.web.crud.interface import MOST_COUNTED
from app.web.exchange import export_form

if TYPE_CHECKING:
    from app.web.crud.views import CrudView

#: A spreadsheet runs a text that begins so.
_LIVE = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_FORMATS = {"xlsx": MEDIA_TYPE, "csv": "text/csv; charset=utf-8"}
_WIDTH = 18


def ask(view: CrudView) -> Any:
    """The page that asks for the reason, then the file. The view's filters hold what the address asks."""
    wanted = request.args.get("format", "xlsx")
    if wanted not in _FORMATS:
        raise BadInput(_("没有这种文件格式。"))

    def start(said: str) -> Response:
        reason = required_reason(said)
        rows = _rows(view)
        file = io.BytesIO()
        (_write_csv if wanted == "csv" else _write_book)(view, file, rows)
        detail = {"list": str(view.list_title), "rows": len(rows), "reason": reason}
        with transaction():
            audit.record(
                view.datamodel.session(),
                Act.EXPORT,
                register=view.datamodel.audit_name,
                detail=detail,
            )
        file.seek(0)
        name = f"{view.list_title}_{today():%Y%m%d}.{wanted}"
        return send_file(file, mimetype=_FORMATS[wanted], download_name=name, as_attachment=True)

    return export_form.ask(view, view.export_reasons, start, lambda: _told(view))


def _told(view: CrudView) -> dict[str, Any]:
    datamodel = view.datamodel
    count = datamodel.query_count(datamodel.session.query(datamodel.obj), view.asked())
    actor = current_actor()
    region = regions.get(actor.region_id) if actor else None
    return {
        "title": _("导出%(what)s", what=view.list_title),
        "intro": _("填写原因后直接下载文件。"),
        "count": f"{count:,}",
        "count_label": _("记录数"),
        "warning": export_form.phones_warning() if view.masked_columns else "",
        "area": region.full_name if region else "",
        "filters": [
            {"label": label, "text": said} for _name, label, said in listing.conditions(view)
        ],
        "back_url": view.get_redirect(),
    }


def _rows(view: CrudView) -> Sequence[Any]:
    """:raises BadInput: more than a request can write."""
    _page, _size, column, direction = listing.place(view)
    order = (column, direction) if column else (view.base_order or ("", ""))
    joined = view.asked()
    query = view.datamodel.apply_all(
        view.datamodel.session.query(view.datamodel.obj), joined, *order
    )
    rows: Sequence[Any] = query.limit(MOST_COUNTED + 1).all()
    if len(rows) > MOST_COUNTED:
        text = _("一次最多导出 %(n)s 条，请先用筛选条件缩小范围。", n=f"{MOST_COUNTED:,}")
        raise BadInput(text)
    view.datamodel.read_related(rows)
    return rows


def _lines(view: CrudView, rows: Sequence[Any]) -> Iterator[list[str]]:
    values = [*view.datamodel.get_values(rows, view.export_columns)]
    names = listing.division_names(values)
    for row in values:
        yield [listing.text_of(view, c, row[c], names, masked=False) for c in view.export_columns]


def _heads(view: CrudView) -> list[str]:
    return [view.datamodel.label(column) for column in view.export_columns]


def _write_book(view: CrudView, file: io.BytesIO, rows: Sequence[Any]) -> None:
    with Book(file) as book:
        columns = [Column((head,), _WIDTH) for head in _heads(view)]
        book.table(str(view.list_title), columns, _lines(view, rows), frozen_columns=1)


def _write_csv(view: CrudView, file: io.BytesIO, rows: Sequence[Any]) -> None:
    out = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(out)
    writer.writerow(_heads(view))
    for line in _lines(view, rows):
        writer.writerow([_still(text) for text in line])
    out.detach()


def _still(text: str) -> str:
    """The text, which no spreadsheet runs."""
    live = text.startswith(_LIVE) and not _NUMBER.fullmatch(text)
    return "'" + text if live else text
