"""Hooks: who is called, when, and that each is told of in the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Flask

from app.kernel.declare.expressions import Given
from app.kernel.declare.register import all_registers
from app.kernel.declare.terms import Ref
from app.kernel.hook import DECLARED, Asked, Having, Hook, Told

ROOT = Path(__file__).resolve().parents[2]


def told(register: Any, heard: list[str]) -> None:
    """Something happened."""


def asked(heard: list[str]) -> Iterable[str]:
    """What is there?"""
    return ()


class Mixin: ...


class Model(Mixin): ...


def register(name: str, model: type = Model, **declared: Any) -> Any:
    return SimpleNamespace(name=name, model=model, **declared)


def test_listeners_are_called_by_order_then_by_name() -> None:
    hook = Told(told, asks=False)

    @hook.listen(order=20)
    def first_by_name(_register: Any, heard: list[str]) -> None:
        heard.append("first by name")

    @hook.listen(order=10)
    def last_by_name(_register: Any, heard: list[str]) -> None:
        heard.append("last by name")

    @hook.listen(order=10)
    def before_it(_register: Any, heard: list[str]) -> None:
        heard.append("before it")

    heard: list[str] = []
    hook(register("one"), heard)
    assert heard == ["before it", "last by name", "first by name"]


@pytest.mark.parametrize(
    ("of", "one", "hears"),
    [
        (None, register("one"), True),
        ("one", register("one"), True),
        ("one", register("two"), False),
        (Mixin, register("two"), True),
        (Mixin, register("two", object), False),
        (Having("moves"), register("three", moves=("moved", "place")), True),
        (Having("moves"), register("three", moves=None), False),
        (Having("story.stands"), register("four", story=SimpleNamespace(stands=len)), True),
        (Having("story.stands"), register("four", story=SimpleNamespace(stands=None)), False),
        ("one", (register("two"), register("one")), True),
        ("one", (register("two"), register("three")), False),
        ("one", (), False),
    ],
)
def test_a_listener_hears_the_registers_that_it_names(of: Any, one: Any, *, hears: bool) -> None:
    hook = Told(told, asks=False)
    hook.listen(of=of)(lambda _register, heard: heard.append("heard"))
    heard: list[str] = []
    hook(one, heard)
    assert bool(heard) is hears


def test_a_listener_hears_of_the_rows_that_it_names() -> None:
    hook = Told(told, asks=False)
    hook.listen(of="one", where=Given(Ref("said")))(lambda _register, row: row.heard.append(1))
    rows = [SimpleNamespace(said=said, heard=[]) for said in ("yes", None)]
    for row in rows:
        hook(register("one"), cast(Any, row))
        hook(register("two"), cast(Any, row))
    assert [row.heard for row in rows] == [[1], []]


def test_what_all_listeners_answer_is_one_list() -> None:
    hook: Asked[[list[str]], str] = Asked(asked, asks=True)
    hook.listen(order=1)(lambda _heard: ["b", "c"])
    hook.listen(order=2)(lambda _heard: ())
    hook.listen(order=0)(lambda _heard: iter("a"))
    assert hook([]) == ["a", "b", "c"]


def test_an_error_of_a_listener_ends_the_telling() -> None:
    hook = Told(told, asks=False)

    @hook.listen(order=1)
    def fails(_register: Any, heard: list[str]) -> None:
        raise LookupError

    hook.listen(order=2)(lambda _register, heard: heard.append("too late"))
    heard: list[str] = []
    with pytest.raises(LookupError):
        hook(register("one"), heard)
    assert heard == []


@pytest.mark.parametrize("hook", DECLARED.values(), ids=list(DECLARED))
def test_every_hook_is_documented(hook: Hook[..., Any]) -> None:
    assert hook.__doc__
    assert f"| `{hook.name}` |" in (ROOT / "docs/hooks.md").read_text(encoding="utf-8")


def test_the_documentation_tells_of_no_other_hook() -> None:
    page = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(DECLARED)


def test_the_command_prints_who_listens(app: Flask) -> None:
    printed = app.test_cli_runner().invoke(args=["hooks"]).output
    assert all(f"{name}:" in printed for name in DECLARED)
    for hook in DECLARED.values():
        for one in hook.listeners:
            assert one.name in printed


def test_what_listeners_say_of_registers_is_declared_by_every_register() -> None:
    named = [one.of for hook in DECLARED.values() for one in hook.listeners]
    groups = [of.name for of in named if isinstance(of, Having)]
    assert set(groups) >= {"moves", "splits", "renewal", "references", "story.stands"}
    for register in all_registers():
        for group in groups:
            attrgetter(group)(register)  # an AttributeError where a listener has a wrong word
