"""Empty workbooks to fill in: of the list of households, and of every register by its declaration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

from app.core.clock import today
from app.core.i18n import _, translate
from app.kernel.declare import choice_lists
from app.kernel.declare.field import Field
from app.kernel.declare.register import Register
from app.kernel.exchange import official
from app.kernel.exchange.by_kind import CELLS
from app.kernel.exchange.columns import COLUMNS
from app.kernel.exchange.places import LEVELS, PLACES
from app.kernel.exchange.writer import Book, Column
from app.kernel.hooks import ListColumn


def write_household_list(file: IO[bytes]) -> None:
    """The template of the list of households."""
    write_list(file, _("农户名单"), COLUMNS)


def write_list(file: IO[bytes], title: str, columns: Iterable[ListColumn]) -> None:
    """That of a list of these columns. Its heads are Chinese in every language: the import reads
    them.
    """
    with Book(file) as book:
        book.table(title, [_list_column(column) for column in columns], [])


def _list_column(column: ListColumn) -> Column:
    example = _("例如：%(example)s", example=column.example)
    note = f"{translate(column.note)}\n{example}" if column.note else example
    # in Chinese, as its head is, whatever the reader's language
    words = choice_lists.known(column.options).values() if column.options else ()
    options = tuple(one.wording().text for one in words if one.offered(today()))
    return Column((column.label,), column.width, options, note, column.required)


def write_register(file: IO[bytes], register: Register) -> None:
    """A register's form as a table: sections as merged heads, choices as drop-downs, the rule and
    the unit in a comment. The household is named by its ID number and the head's name.
    """
    if official.sheet_of(register):
        with Book(file) as book:
            book.table(register.label, official.heads(register), [], frozen_columns=len(LEVELS))
        return
    columns = [
        Column((_("户主姓名"),), 12, required=True),
        Column((_("身份证号"),), 22, required=True, note=_("18位，按文本填写。")),
    ]
    if not register.of_households:
        columns = [Column((translate(label),), 12) for label in PLACES.values()]
    for section in register.sections:
        for name in section.fields:
            made = register.fields[name]
            if made.typed and not made.rows:
                columns.append(_form_column(translate(section.title), made))
    with Book(file) as book:
        book.table(register.label, columns, [], frozen_columns=2)


def _form_column(section: str, made: Field) -> Column:
    label = translate(made.label)
    head = (
        _("%(label)s（%(unit)s）", label=label, unit=translate(made.unit)) if made.unit else label
    )
    notes = [translate(made.help)] if made.help else []
    stands = CELLS[made.kind]
    notes += [note] if (note := stands.note(made)) else []
    return Column((section, head), 16, stands.options(made), "\n".join(notes), required=False)
