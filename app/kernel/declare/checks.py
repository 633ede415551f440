"""``flask check``: the declarations are consistent. Each problem has a stable id and a test."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from app.access import policy, settings
from app.access.actor import Capability
from app.kernel.declare import choice_lists, feed, figure_checks
from app.kernel.declare.expressions import FACT
from app.kernel.declare.field import Compared, Field
from app.kernel.declare.groups import UNORDERED
from app.kernel.declare.house_lists import house_lists, list_names
from app.kernel.declare.quality import BROKEN, SEVERITIES, Severity
from app.kernel.declare.register import Register, all_registers, get_register
from app.kernel.declare.rules import DeclarationError
from app.kernel.declare.tables import BY_RULE, TREND, WEEK, WHY, Briefing, Rate
from app.kernel.kinds import CHILDREN, DATE, REGION, YES_NO, Kind

_LABEL_LENGTH = 40
_FIGURE_LENGTH = 48
_IN_BRACES = re.compile(r"\{(\w+)\}")
_IN_ADDRESS = re.compile(r"[a-z][a-z_]{0,31}")
#: What is known of a head who splits off.
_HEAD = {"name", "id_number", "phone"}
#: Digits of a province's code; facts beside settings and provinces.
_PROVINCE_DIGITS = 2
_TOLD = {"kept"}
_TONES = {"", "good", "warn", "bad", "info", "neutral"}


@dataclass(frozen=True)
class Finding:
    """One problem of a declaration."""

    id: str
    register: str
    message: str


#: What registers name of each other: a module that is left out takes no number and no column along.
_OF_OTHERS = frozenset({"R017", "R032"})


def check_all(tables: Collection[str] | None = None, *, whole: bool = True) -> list[Finding]:
    """All problems of all registers. ``tables``: those that migrations make, if that is asked too.
    Where not the ``whole`` program is loaded, without those of a register because another is not
    there.
    """
    found = [
        problem
        for register in all_registers()
        for problem in check(register)
        if whole or problem.id not in _OF_OTHERS
    ]
    names = [r.name for r in all_registers()]
    found += [
        Finding("R001", n, "two registers of one name")
        for n in {x for x in names if names.count(x) > 1}
    ]
    found += _check_enums()
    found += _check_orders()
    found += _check_lists()
    found += [] if tables is None else _check_tables(tables)
    return found


def _check_lists() -> Iterator[Finding]:
    """A list is a yes/no field of the household."""
    homes = get_register("household")
    for one in house_lists() if homes else ():
        if homes and not _of_kind(homes.model.__fields__, one.name, YES_NO):
            yield Finding("R064", "household", f"list {one.name}: no yes/no field of that name")


def _check_orders() -> Iterator[Finding]:
    """Menus stand in an order that somebody meant: no two registers say the same one."""
    seen: dict[int, str] = {}
    for register in all_registers():
        if register.heading.order == UNORDERED:
            continue
        if (other := seen.setdefault(register.heading.order, register.name)) != register.name:
            yield Finding(
                "R063", register.name, f"order: {register.heading.order} is that of {other}"
            )


def _check_tables(made: Collection[str]) -> Iterator[Finding]:
    for register in all_registers():
        if (name := register.model.__tablename__) not in made:
            text = f'no migration makes the table {name}: flask db migrate -m "{name}", then flask deploy'
            yield Finding("R059", register.name, text)


def _check_enums() -> Iterator[Finding]:
    """The texts of an enum are kept under its class's name: no two may share one."""
    seen: dict[str, type] = {}
    for register in all_registers():
        fields = register.model.__fields__.values()
        for made in (one for field in fields for one in (field, *field.rows) if one.choices):
            if seen.setdefault(made.choices.__name__, made.choices) is not made.choices:
                text = f"{made.name}: another enum is called {made.choices.__name__}"
                yield Finding("R052", register.name, text)


def check(register: Register) -> Iterator[Finding]:
    """Problems of one register."""

    def say(code: str, message: str) -> Finding:
        return Finding(code, register.name, message)

    known = register.model.__fields__
    for section in register.sections:
        for name in section.fields:
            if name not in known:
                yield say("R002", f"section {section.title}: unknown field {name}")
            elif known[name].system and register.derived is None:
                yield say("R003", f"section {section.title}: {name} is kept by the kernel")
        for name in section.all_no.split():
            if name not in section.fields:
                yield say(
                    "R004", f"section {section.title}: all_no names {name} of another section"
                )
            elif name in known and not _of_kind(known, name, YES_NO):
                yield say("R005", f"section {section.title}: all_no names {name}, no yes/no field")
    placed = [name for section in register.sections for name in section.fields]
    for name in sorted({n for n in placed if placed.count(n) > 1}):
        yield say("R006", f"field {name} stands in two sections")
    if register.sections:
        for name, made in known.items():
            if not made.system and name not in placed:
                yield say("R007", f"field {name} stands in no section")
    if register.menus and hasattr(register.model, "changed_at"):  # the API tells what changed
        table = register.model.__table__
        wanted = {str(index.name) for index in feed.indexes(table.name)}
        if missing := wanted - {str(index.name) for index in table.indexes}:
            yield say("R008", f"no index {', '.join(sorted(missing))}: add feed.indexes")
    yield from _check_names(register)
    yield from _check_rules(register)
    yield from _check_figures(register)
    yield from _check_changes(register)
    yield from _check_milestones(register)
    yield from _check_membership(register)
    yield from _check_papers(register)
    yield from _check_kind(register)


#: What a review writes into a record; ``Submitted`` brings it.
_OF_REVIEW = ("state", "submitted_by", "submitted_at", "decided_at")


def _check_kind(register: Register) -> Iterator[Finding]:
    """Does the class that the model derives from carry what the declaration promises?"""
    if register.creates is not None and register.of_households:
        text = (
            "creates: a record of a listed household is not made by itself. Derive the model from Record or"
            " NamesHousehold, or leave creates out and say which list it follows (follows=), or what"
            " opens it (continues=)"
        )
        yield Finding("R060", register.name, text)
    review = register.review
    sent_back = register.creates and review and any(s.unreviewed for s in review.flow.transitions)
    if review and review.setting and not sent_back:
        text = (
            "review: where a county wants none, records that users make (creates=) are sent back by a"
            " step that is unreviewed; leave setting out, or take optional_county_review"
        )
        yield Finding("R067", register.name, text)
    yield from _check_key(register)
    yield from _check_entry(register)
    yield from _check_keeps(register)
    missing = [name for name in _OF_REVIEW if not hasattr(register.model, name)]
    if register.flow is not None and missing:
        text = (
            f"review: no {', '.join(missing)}. Derive the model from Reviewed (of records that users make: from"
            " Submitted too), or leave review out"
        )
        yield Finding("R061", register.name, text)
    table = register.progress_table
    if table and not hasattr(register.model, table.told_on or "decided_at"):
        text = (
            f"table {table.name}: progress counts what was decided, and nothing is. Derive the model"
            " from Reviewed and give it a review, or leave progress out"
        )
        yield Finding("R062", register.name, text)


def _check_entry(register: Register) -> Iterator[Finding]:
    """Who enters it is one who can: roles that there are, each named once, and somebody without a grant."""
    entry = register.entry
    if entry is None:
        return
    named = list(entry.roles)
    for level, kind in dict.fromkeys(named):
        who = f"{level.name.lower()} {kind.value}"
        if (level, kind) not in policy.MATRIX:
            yield Finding("R090", register.name, f"entry: there is no role {who}")
        if named.count((level, kind)) > 1:
            text = f"entry: {who} is named twice: either it enters (by) or it is granted that (on_grant)"
            yield Finding("R090", register.name, text)
    if not entry.by:
        text = "entry: nobody enters without a grant. Name roles (by), or leave entry out"
        yield Finding("R090", register.name, text)
    if not register.entered:
        text = "entry: nobody fills in its form. Leave entry out, or give it sections"
        yield Finding("R090", register.name, text)


def _check_keeps(register: Register) -> Iterator[Finding]:
    """Can its records be hidden, and be found again?"""
    known = {"hidden_on", "hidden_by", "hidden_why"} <= register.model.__fields__.keys()
    if register.keeps != known:
        text = "keeps: derive the model from Lasting, and say keeps=True; or neither"
        yield Finding("R091", register.name, text)
    if register.keeps and register.creates is None:
        text = "keeps: of records that users make (creates=); others are emptied, and their history stays"
        yield Finding("R091", register.name, text)
    leading = {menu.capability for menu in register.menus if menu.hidden}
    if register.keeps and leading != {Capability.RESTORE}:
        text = "keeps: those who restore have one menu of what is hidden: Menu(…, Capability.RESTORE, rows=r.hidden_on.given)"
        yield Finding("R091", register.name, text)


def _check_key(register: Register) -> Iterator[Finding]:
    """Can what a record is one of be asked for, and kept by the database?"""
    if not register.key:
        return
    for name in register.key.split():
        if name not in register.fields or not register.fields[name].typed:
            yield Finding("R065", register.name, f"key: {name} is nothing that its form asks for")
    indexes = register.model.__table__.indexes
    if not any(index.unique and index.columns.keys() == ["unique_key"] for index in indexes):
        text = "key: no unique index. Derive the model from Keyed and name unique_key(table) in __table_args__"
        yield Finding("R066", register.name, text)
    if register.creates is None:
        yield Finding("R066", register.name, "key: of records that users make only (creates=)")


def _of_form(register: Register) -> dict[str, str]:
    """What names fields of the form, files too."""
    return {
        "save_needs": register.form.save_needs,
        "remember": register.form.remember,
        "named_with": register.story.named_with,
        "renewal": register.renewal.without if register.renewal else "",
    }


def _shown(register: Register) -> dict[str, str]:
    """What names fields that are shown as texts: no files."""
    return {
        "ledger": register.lists.ledger,
        "filters": register.lists.filters,
        "indexed": register.lists.indexed,
        "stands": register.story.stands,
        "summary": register.story.summary,
    }


def _check_names(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    of_form, shown = _of_form(register), _shown(register)
    for what, names in (of_form | shown).items():
        for name in names.split():
            if name not in known:
                yield Finding("R010", register.name, f"{what}: unknown field {name}")
            elif what in shown and not known[name].stored:
                yield Finding("R011", register.name, f"{what}: {name} holds files")
    for name in register.lists.indexed.split():
        if name not in register.lists.filters.split():
            yield Finding("R012", register.name, f"indexed: {name} is no filter")
    for name, made in known.items():
        if not made.label or len(made.label) > _LABEL_LENGTH:
            yield Finding("R013", register.name, f"{name}: label missing or too long")
        if made.list_name is not None and made.list_name not in choice_lists.DEFAULTS:
            yield Finding("R014", register.name, f"{name}: unknown list {made.list_name}")
        if made.none and not _of_kind(register.fields, made.none.name, YES_NO):
            text = f"{name}: none is {made.none.name}, no yes/no field of its form"
            yield Finding("R068", register.name, text)
        if made.why and (not made.none or made.why.name not in register.fields):
            text = f"{name}: why is {made.why.name}, no field of its form, or there is no none"
            yield Finding("R068", register.name, text)
        if made.taken_on and not _of_kind(known, made.taken_on, DATE):
            yield Finding("R016", register.name, f"{name}: taken_on {made.taken_on} is no date")
        if made.found_in:
            source, _dot, field = made.found_in.partition(".")
            other = get_register(source)
            if other is None or field not in other.model.__fields__:
                yield Finding("R017", register.name, f"{name}: nothing is called {made.found_in}")
        for row in made.rows:
            if not row.kind.in_rows:
                yield Finding("R015", register.name, f"{name}: rows cannot hold {row.kind.name}")


def _check_milestones(register: Register) -> Iterator[Finding]:
    for one in register.story.milestones:
        known = register.model.__fields__
        if one.rows:
            known = {row.name: row for row in known[one.rows].rows} if one.rows in known else {}
        if not _of_kind(known, one.field, DATE):
            yield Finding("R050", register.name, f"milestone {one.title}: {one.field} is no date")
        for name in one.tells.split():
            if name not in known or not known[name].stored:
                text = f"milestone {one.title}: {name} is no field that says anything"
                yield Finding("R050", register.name, text)


def _check_papers(register: Register) -> Iterator[Finding]:
    """Can each be asked for by its name, and filled from the form?"""
    names = [paper.name for paper in register.papers]
    for paper in register.papers:
        if not _IN_ADDRESS.fullmatch(paper.name) or names.count(paper.name) > 1 or not paper.title:
            text = (
                f"paper {paper.name}: a name of its own in small letters, and a title, are missing"
            )
            yield Finding("R090", register.name, text)
        if not register.sections:
            yield Finding("R090", register.name, f"paper {paper.name}: there is no form to print")
        for name in paper.without.split():
            if name not in register.field_names:
                text = f"paper {paper.name}: {name} stands in no section"
                yield Finding("R091", register.name, text)
        for name in sorted(paper.rows.names() - register.model.__fields__.keys()):
            yield Finding("R022", register.name, f"paper {paper.name}: unknown field {name}")


def _check_membership(register: Register) -> Iterator[Finding]:
    told = register.story.membership
    if told is None:
        return
    known = register.model.__fields__
    for name in told.tells.split():
        if name not in known or not known[name].stored:
            yield Finding(
                "R051", register.name, f"membership: {name} is no field that says anything"
            )
    for name in (told.since, told.left):
        if name and not _of_kind(known, name, DATE):
            yield Finding("R051", register.name, f"membership: {name} is no date")
    if not register.follows:
        yield Finding("R051", register.name, "membership of no list: follows is missing")


def _check_changes(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    for what, names, kind in (
        ("moves", register.moves, REGION),
        ("splits", register.splits, CHILDREN),
    ):
        if names is None:
            continue
        if (
            any(name not in register.field_names for name in names)
            or not _of_kind(known, names.asked, YES_NO)
            or not _of_kind(known, names.field, kind)
        ):
            text = f"{what}: not a yes/no field and one of {kind.name}, both in the form"
            yield Finding("R040", register.name, text)
        elif kind == CHILDREN and not {row.name for row in known[names[1]].rows} >= _HEAD:
            yield Finding("R041", register.name, f"{what}: rows need {', '.join(sorted(_HEAD))}")
    if register.follows and register.follows not in list_names():
        yield Finding("R042", register.name, f"follows: no list {register.follows}")
    conditions = {"listed": register.listed}
    if register.review:
        conditions["builds"] = register.review.builds
    if register.frozen:
        conditions["frozen"] = register.frozen.where
    for where, condition in conditions.items():
        for name in sorted(condition.names() - known.keys()):
            yield Finding("R022", register.name, f"{where}: unknown field {name}")


def _of_kind(known: Mapping[str, Field], name: str, kind: Kind) -> bool:
    """Is there a field of that name and kind?"""
    made = known.get(name)
    return made is not None and made.kind == kind


def _check_rules(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    conditions = {
        f"shown of {name}": expr
        for section in register.sections
        for name, expr in [(section.title, section.shown)]
    }
    for name, made in known.items():
        if made.system:
            continue  # in no form: what it must be is the kernel's business
        conditions[f"shown of {name}"] = made.shown
        conditions[f"belongs of {name}"] = made.belongs
        codes = [check.code for check in made.checks]
        for code in sorted({c for c in codes if codes.count(c) > 1} | ({"required"} & set(codes))):
            yield Finding("R020", register.name, f"{name}: rule code {code} twice")
        for rule in made.checks:
            conditions[f"rule {name}.{rule.code}"] = rule.wrong
            if not rule.message:
                yield Finding("R021", register.name, f"{name}.{rule.code}: no message")
    for where, condition in conditions.items():
        for name in sorted(condition.names() - known.keys()):
            if not _is_fact(name):
                yield Finding("R022", register.name, f"{where}: unknown field {name}")
        for name in sorted(condition.names() & known.keys() - set(register.field_names)):
            if register.sections and not known[name].kind.compares_as_text:
                text = f"{where}: {name} is in no form, browsers cannot compare it"
                yield Finding("R024", register.name, text)
    if any(name not in known for name in register.field_names):
        return
    try:
        _ = register.rules
    except DeclarationError as error:
        yield Finding("R023", register.name, str(error))
        return
    yield from _check_quality(register)
    yield from _check_options(register)


def _is_fact(name: str) -> bool:
    """Is there a setting of that name, a province of that code, or what else is known of a record?"""
    what, _colon, of = name.removeprefix(FACT).partition(":")
    if not name.startswith(FACT):
        return False
    if not of:
        return any(one.name == what for one in settings.declared())
    return of.isdigit() and len(of) == _PROVINCE_DIGITS if what == "within" else what in _TOLD


def _check_options(register: Register) -> Iterator[Finding]:
    """What is said of places, of choices under a condition, of rules over other records."""
    for name, made in register.fields.items():
        if inner := [n for n in made.belongs.names() if not n.startswith(FACT)]:
            text = f"{name}: belongs asks {', '.join(sorted(inner))}; where in the country says facts alone"
            yield Finding("R086", register.name, text)
        choices = {one for one in made.choices or () if one not in made.leaves_out}
        for code in (c for _when, codes in made.offers for c in codes if c not in choices):
            yield Finding("R087", register.name, f"{name}: offers {code}, which is no choice")
    for code, rule in register.shared.items():
        if not register.quality.kept:
            text = f"{code}: what is found over other records is kept: say Quality(kept=True)"
            yield Finding("R088", register.name, text)
        of_files = rule.kind == Compared.PHOTO
        for name in (*rule.fields.split(), *rule.home.split()):
            right = name in register.file_fields if of_files else hasattr(register.model, name)
            if not right:
                yield Finding("R088", register.name, f"{code}: compares {name}, which is not there")


def _check_quality(register: Register) -> Iterator[Finding]:
    """What is said of severities concerns rules that there are, and forbids no less when submitting."""
    for name, made in register.fields.items():
        for rule in made.checks:
            if rule.severity not in tuple(Severity):
                text = (
                    f"{name}.{rule.code}: severity {rule.severity} is none of {', '.join(Severity)}"
                )
                yield Finding("R070", register.name, text)
        known = {rule.code: rule.severity for rule in made.checks}
        for code, severity in made.severities.items():
            if known.get(code) != severity:
                text = (
                    f"{name}: severities names {code}, which no option of the field makes. A rule of"
                    " its own says its severity itself, that of required its register (Quality.rulings)"
                )
                yield Finding("R071", register.name, text)
    for code in sorted(register.quality.rulings.keys() - register.rules.declared.keys()):
        yield Finding("R072", register.name, f"quality: no rule is called {code}")
    if register.quality.kept:
        yield from _check_kept(register)
    if loose := set(register.quality.saving) - set(register.quality.submitting):
        text = f"quality: {', '.join(sorted(loose))} forbids saving, so it forbids submitting too"
        yield Finding("R073", register.name, text)


def _check_kept(register: Register) -> Iterator[Finding]:
    """Where broken rules are kept: has the model the columns, and are the figures free?"""
    if missing := {BROKEN, SEVERITIES} - register.model.__fields__.keys():
        text = f"quality: no {', '.join(sorted(missing))}. Derive the model from Judged, or leave kept out"
        yield Finding("R074", register.name, text)
    if register.stages:
        text = "quality: what is broken is not kept of records that are submitted stage by stage"
        yield Finding("R075", register.name, text)
    for name, figure in register.quality_figures.items():
        if register.figures[name] is not figure:
            yield Finding("R076", register.name, f"figure {name}: the kernel has one of that name")
        elif len(name) > _FIGURE_LENGTH:
            yield Finding("R076", register.name, f"figure {name}: longer than {_FIGURE_LENGTH}")


def _check_figures(register: Register) -> Iterator[Finding]:
    known = register.model.__fields__
    if (years := register.years) and years.name not in known:
        yield Finding("R035", register.name, f"years: unknown field {years.name}")
    kernels = register.quality_figures if register.quality.kept else {}
    for name, figure in register.figures.items():
        if figure is kernels.get(name):
            continue
        for other in sorted(figure.where.names() - known.keys()):
            yield Finding("R030", register.name, f"figure {name}: unknown field {other}")
        for other in sorted(figure.where.names() & known.keys()):
            if not known[other].stored:
                yield Finding("R031", register.name, f"figure {name}: {other} is in another table")
        if figure.tone not in _TONES:
            yield Finding("R033", register.name, f"figure {name}: unknown tone {figure.tone}")
    for name in register.headline.split():
        if name not in register.figures:
            yield Finding("R032", register.name, f"headline: unknown figure {name}")
    for name in register.lists.by_figure[1].split():
        if name not in register.figures:
            yield Finding("R058", register.name, f"by_figure: unknown figure {name}")
    for code, text in figure_checks.wrong(register):
        yield Finding(code, register.name, text)
    if register.briefing:
        yield from _check_briefing(register, register.briefing)
    for table in register.tables:
        if table.name in (WEEK, TREND, BY_RULE, WHY):
            yield Finding("R034", register.name, f"no table may be called {table.name}")
        for of, shown in table.shown():
            source = get_register(of) if of else register
            if source is None or shown not in source.figures:
                text = f"table {table.name}: unknown figure {shown}{f' of {of}' if of else ''}"
                yield Finding("R032", register.name, text)
        named = [*table.chart, *(table.progress or ())]
        named += (
            n for leaf in table.leaves() if isinstance(leaf, Rate) for n in leaf.lacks.split()
        )
        named += (n for i in table.identities for n in (i.total, *i.parts))
        for name in named:
            if name not in register.figures:
                yield Finding("R032", register.name, f"table {table.name}: unknown figure {name}")


def _check_briefing(register: Register, briefing: Briefing) -> Iterator[Finding]:
    named = {name for text in briefing.texts() for name in _IN_BRACES.findall(text)} - {"rate"}
    for name in sorted(named | {figure for figure, _text in briefing.todo}):
        if name not in register.figures:
            yield Finding("R036", register.name, f"briefing: unknown figure {name}")
    if register.progress_table is None:
        yield Finding("R037", register.name, "briefing: no table has a progress")
    if briefing.by_year and (register.years is None or register.table(briefing.by_year) is None):
        yield Finding("R038", register.name, f"briefing: no table {briefing.by_year} by year")


__all__ = ["Finding", "check", "check_all"]
