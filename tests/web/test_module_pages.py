"""Pages that modules add: their files are loaded by themselves, their views are registered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flask import Flask

from app import modules
from app.kernel import hooks
from app.kernel.declare.register import get_register
from app.kernel.hooks import Pages


def test_the_views_of_a_folder_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, files in (("wells", ("__init__", "views")), ("bridges", ("__init__",))):
        (tmp_path / folder).mkdir()
        for name in files:
            (tmp_path / folder / f"{name}.py").write_text("LOADED = True\n", encoding="utf-8")
    monkeypatch.setattr(modules, "_HERE", tmp_path)
    monkeypatch.setattr(modules, "__path__", [str(tmp_path)])
    try:
        modules.load("views")
        assert sys.modules["app.modules.wells.views"].LOADED
        assert "app.modules.bridges.views" not in sys.modules
    finally:
        for name in [one for one in sys.modules if one.split(".")[2:3] in (["wells"], ["bridges"])]:
            del sys.modules[name]
            vars(modules).pop(name.rpartition(".")[2], None)


def test_views_that_modules_answer_are_pages(app: Flask) -> None:
    names = [view.__name__ for view in hooks.views()]
    assert names == ["ObjectImportView", "ParcelImportView", "PriorImportView"]
    known = {rule.endpoint.partition(".")[0] for rule in app.url_map.iter_rules()}
    assert known >= set(names)


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("low_income", {"leave", "restore"}, {"clear", "parcel_map"}),
        ("lookback", {"clear", "parcel_map", "late_parcel", "drop_parcel"}, {"leave"}),
        ("craftsman", {"clear"}, {"leave", "parcel_map"}),
    ],
)
def test_a_register_has_the_pages_of_what_its_rows_are(
    app: Flask, name: str, has: set[str], lacks: set[str]
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(f"/{name}/")]
    found = {rule.endpoint.partition(".")[2] for rule in rules}
    assert found >= has
    assert not found & lacks


def test_a_register_of_nothing_special_is_asked_for_nothing_more() -> None:
    register = get_register("craftsman")
    assert register is not None
    assert hooks.register_pages(register) == []
    monitored = get_register("monitoring")
    assert monitored is not None
    assert all(isinstance(pages, Pages) for pages in hooks.register_pages(monitored))
