"""Are the conditions of a register about what there is, and is what it says of broken rules kept right?"""

from __future__ import annotations

from collections.abc import Iterator

from app.access import settings
from app.kernel.declare.checks.finding import Finding
from app.kernel.declare.expressions import FACT
from app.kernel.declare.field import Compared
from app.kernel.declare.quality import BROKEN, SEVERITIES, Severity
from app.kernel.declare.register import Register
from app.kernel.declare.rules import DeclarationError

_FIGURE_LENGTH = 48
#: Digits of a province's code; facts beside settings and provinces.
_PROVINCE_DIGITS = 2
_TOLD = {"kept"}


def rules(register: Register) -> Iterator[Finding]:
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
    yield from _quality(register)
    yield from _options(register)


def _is_fact(name: str) -> bool:
    """Is there a setting of that name, a province of that code, or what else is known of a record?"""
    what, _colon, of = name.removeprefix(FACT).partition(":")
    if not name.startswith(FACT):
        return False
    if not of:
        return any(one.name == what for one in settings.declared())
    return of.isdigit() and len(of) == _PROVINCE_DIGITS if what == "within" else what in _TOLD


def _options(register: Register) -> Iterator[Finding]:
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


def _quality(register: Register) -> Iterator[Finding]:
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
        yield from _kept(register)
    if loose := set(register.quality.saving) - set(register.quality.submitting):
        text = f"quality: {', '.join(sorted(loose))} forbids saving, so it forbids submitting too"
        yield Finding("R073", register.name, text)


def _kept(register: Register) -> Iterator[Finding]:
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
