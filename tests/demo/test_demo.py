"""The demonstration: what it shows is what real work would have left behind."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, g
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash

from app.access.account import Account
from app.access.actor import Duty
from app.access.divisions.regions import Level, Region
from app.access.policy import MATRIX
from app.access.scope import joined, unscoped
from app.core.clock import now, today
from app.core.files.storage import storage
from app.core.transactions import transaction
from app.demo import accounts, dossiers, moves, places
from app.demo.load import load
from app.demo.people import People, misspelt
from app.demo.places import COUNTIES, County
from app.kernel.declare.flow import SENT_BACK, State
from app.kernel.declare.quality import Severity
from app.kernel.figures import counters, rejudging
from app.kernel.figures.day_tables import CounterDay
from app.kernel.households.register import HOUSEHOLD
from app.kernel.kinds.formats import id_number_problem
from app.kernel.quotas.rows import Quota
from app.kernel.rows.file import Attachment
from app.kernel.rows.handover import Handover
from app.kernel.rows.household import Finding, Household, SearchKey, Sex, search_values
from app.kernel.rows.reading import columns_of, values_of
from app.kernel.rows.record import HistoryEntry
from app.kernel.rows.transfer import Transfer, TransferState
from app.modules.archives.choices import ArchiveStage, SubsidyKind
from app.modules.archives.model import Archive
from app.modules.archives.quality import RULES
from app.modules.archives.register import ARCHIVE
from app.modules.craftsmen.model import Certificates, Craftsman
from app.modules.craftsmen.register import CRAFTSMAN
from app.modules.homes.choices import Living
from app.modules.low_income.register import LOW_INCOME
from app.modules.renovation import openings
from app.modules.renovation.application.model import Application
from app.modules.renovation.application.register import APPLICATION
from app.modules.renovation.dossier.model import Builder, Dossier, Progress
from app.modules.renovation.dossier.register import DOSSIER
from app.modules.renovation.fields import Basis
from app.modules.surveys import last as survey_last
from app.modules.surveys.lookback.model import Lookback
from app.modules.surveys.lookback.register import LOOKBACK
from app.modules.surveys.monitoring.model import Monitoring
from app.modules.surveys.monitoring.register import MONITORING

pytestmark = (
    pytest.mark.one_database
)  # each loads it anew; what it inserts, tests of records do too

SMALL = (
    County("610122", 2, COUNTIES[1].shares),
    County("610124"),
)


def fill() -> None:
    with transaction(), joined("the demonstration fills all areas", writes=True) as session:
        load(session, SMALL)


@pytest.fixture
def arranged(request: pytest.FixtureRequest) -> Callable[[], None] | None:
    return fill if "rows" in request.fixturenames else None


@pytest.fixture
def rows(app: Flask) -> Iterator[Session]:
    """Its rows, filled in once a worker; their files lie elsewhere."""
    with app.app_context(), unscoped("the test looks at all that was made") as session:
        yield session


@pytest.fixture
def demo(app: Flask) -> Iterator[Session]:
    """Filled in for this test, with its files."""
    with app.app_context():
        fill()
        with unscoped("the test looks at all that was made") as session:
            yield session


def test_it_is_what_real_work_would_leave_behind(demo: Session) -> None:
    check_counters(demo)
    check_craftsmen(demo)
    check_rules(demo)
    check_applications(demo)
    check_dossiers(demo)
    check_archives(demo)
    check_history(demo)
    check_monitoring(demo)
    check_households(demo)
    check_files(demo)
    check_accounts(demo)


def test_some_ask_to_move(rows: Session) -> None:
    """Asked and answered like users do it: nothing drifts."""
    assert moves.play(SMALL) == 2
    rows.expire_all()
    states = Counter(rows.scalars(select(Transfer.state)))
    assert states == {TransferState.WAITING: 1, TransferState.REFUSED: 1}
    check_counters(rows)


def check_counters(session: Session) -> None:
    for register in (HOUSEHOLD, LOOKBACK, LOW_INCOME, MONITORING, ARCHIVE):
        live = counters.live_counts(session, register)
        assert live == counters.kept_counts(session, register)
        assert live
        assert counters.broken_identities(session, register) == []
    days = session.execute(
        select(CounterDay.day, CounterDay.n)
        .where(CounterDay.register == LOOKBACK.name)
        .where(CounterDay.figure == "approved", CounterDay.path == "0.")
        .order_by(CounterDay.day)
    ).all()
    assert len(days) > 30
    approved = session.scalar(
        select(func.count()).select_from(Lookback).where(Lookback.state == State.APPROVED)
    )
    assert days[-1].n == approved


def check_rules(session: Session) -> None:
    """What was submitted is complete and right; what is only entered may lack answers."""
    broken = LOOKBACK.rules.violations(columns_of(Lookback, LOOKBACK.name))
    complete = Lookback.state.in_([State.SUBMITTED, State.APPROVED, *SENT_BACK])
    for code, condition in broken.items():
        allowed = complete if code.endswith(".required") else Lookback.state != State.MISSING
        found = session.scalar(select(func.count()).select_from(Lookback).where(allowed, condition))
        assert found == 0, code


def check_archives(session: Session) -> None:
    """Of every plan year, stage and subsidy kind; with every finding that its rules look for, kept as it is
    found; and each division's numbers are what it was given.
    """
    assert rejudging.wrong(session, ARCHIVE) == []
    rows = session.scalars(select(Archive)).all()
    assert {row.plan_year for row in rows} >= set(range(2009, today().year))
    assert {row.progress for row in rows} == set(ArchiveStage)
    assert {row.subsidy_kind for row in rows} == set(SubsidyKind)
    assert {severity for row in rows for severity in row.severities or ()} == set(Severity)
    broken = Counter(code for row in rows for code in row.broken or ())
    own = [(name, one) for name, checks in RULES.items() for one in checks if one.shared is None]
    looked_for = {f"{name}.{one.code}" for name, one in own}  # what others say, a daily job tells
    assert looked_for <= broken.keys()
    assert 0.4 < sum(not row.broken for row in rows) / len(rows) < 0.9
    assert SENT_BACK[1] in {row.state for row in rows}
    given = Counter[int]()
    for quota in session.scalars(select(Quota)):
        given[quota.region_id] += quota.n
        given[quota.giver_id] -= quota.n
    county = session.scalars(select(Region.id).where(Region.level == Level.COUNTY)).all()
    assert [given[key] for key in county] == [0] * len(county), "it gives what it was given"


def check_history(session: Session) -> None:
    states = Counter(session.scalars(select(Lookback.state)))
    assert set(states) == set(State) - {State.CHECKING}
    last: dict = {}
    steps = select(HistoryEntry).where(HistoryEntry.register == LOOKBACK.name)
    for entry in session.scalars(steps.order_by(HistoryEntry.at)):
        before = last.get(entry.record_id)
        assert entry.source == (before.target if before else State.DRAFT) or (
            before.target in SENT_BACK and entry.source == before.target
        )
        assert entry.at < now()
        assert entry.person
        if entry.step == "submit":
            assert set(entry.snapshot) == set(LOOKBACK.field_names)
            assert entry.snapshot["died"] in {"yes", "no"}
        else:
            assert entry.account_id != before.account_id, "nobody reviews his own"
        assert (entry.opinion is not None) == (entry.target in SENT_BACK)
        last[entry.record_id] = entry
    for record in session.scalars(select(Lookback)):
        if record.state in {State.MISSING, State.DRAFT}:
            assert record.id not in last
        else:
            assert last[record.id].target == record.state
            assert record.submitted_at is not None
            assert (record.decided_at is not None) == (record.state != State.SUBMITTED)


def check_monitoring(session: Session) -> None:
    """Every state, records that follow one another, households without a house."""
    rows = session.scalars(select(Monitoring)).all()
    current = [row for row in rows if row.current]
    assert len(current) == len({row.household_id for row in rows})
    assert {row.state for row in current} >= {State.MISSING, State.DRAFT, State.SUBMITTED}
    assert any(row.living == Living.NONE for row in rows)
    by_key = {row.id: row for row in rows}
    followed = [by_key[row.predecessor_id] for row in rows if row.predecessor_id]
    assert followed
    assert all(row.superseded and row.state == State.APPROVED for row in followed)
    assert len({row.year for row in rows if row.year}) == 3


def check_applications(session: Session) -> None:
    """One for each household whose survey that counts asks for one, in every state (few
    villages have an account that hands theirs to the town), waiting, flagged and closed.
    """
    rows = session.scalars(select(Application)).all()
    assert {row.basis for row in rows} == set(Basis)
    assert {row.state for row in rows} >= set(State) - {State.CHECKING}
    assert any(row.no_house for row in rows)
    standing = [row for row in rows if row.basis in (Basis.HELD, Basis.WAITING)]
    keys = [row.household_id for row in standing]
    homes = session.scalars(select(Household).where(Household.id.in_(keys))).all()
    lasts = survey_last.last_surveys(session, homes)
    for row in standing:
        last = lasts[row.household_id]
        assert (openings.wants(last), last.survey.id) == (True, row.survey_id)
    for row in rows:
        if row.state in (State.CHECKING, State.SUBMITTED, State.APPROVED):
            files = session.scalars(select(Attachment).where(Attachment.record_id == row.id)).all()
            result = APPLICATION.rules_of(row).evaluate(values_of(row, files))
            assert (result.refused, result.missing) == ([], [])
    assert counters.live_counts(session, APPLICATION) == counters.kept_counts(session, APPLICATION)
    assert counters.broken_identities(session, APPLICATION) == []


def check_dossiers(session: Session) -> None:
    """One for each approved application, in every stage and state, as their rules want them."""
    rows = session.scalars(select(Dossier)).all()
    applications = select(Application.id).where(Application.state == State.APPROVED)
    assert {row.source_id for row in rows} == set(session.scalars(applications))
    stands = {stand[:2] for stand in dossiers.STANDS}
    assert {(row.stage, row.state) for row in rows} <= stands
    for row in rows:
        files = session.scalars(select(Attachment).where(Attachment.record_id == row.id)).all()
        result = DOSSIER.rules_of(row).evaluate(values_of(row, files))
        assert result.refused == []
        assert result.values["paid_in_full"] == bool(row.paid_in_full)
        if row.state in (State.SUBMITTED, *SENT_BACK) or row.stage == Progress.PAID:
            assert result.missing == []
    assert counters.live_counts(session, DOSSIER) == counters.kept_counts(session, DOSSIER)
    assert counters.broken_identities(session, DOSSIER) == []


def check_households(session: Session) -> None:
    keys: dict = {}
    for key in session.scalars(select(SearchKey)):
        keys.setdefault(key.household_id, set()).add(key.value)
    records = {r.household_id: r for r in session.scalars(select(Lookback))}
    regions = {r.id: r for r in session.scalars(select(Region))}
    numbers = Counter()
    for home in session.scalars(select(Household).where(Household.poverty_exit)):
        assert keys[home.id] >= search_values(home)  # its members are found too
        record, place = records.pop(home.id), regions[home.region_id]
        assert (
            (record.path, record.region_id) == (home.path, home.region_id) == (place.path, place.id)
        )
        assert record.head_name == home.head_name
        changed = home.head_name != home.issued_name
        assert record.former_head == (home.issued_name if changed else None)
        found = set(home.findings or ())
        assert (Finding.NO_VILLAGE in found) == (place.level != Level.VILLAGE)
        assert (Finding.ID_MISSING in found) == (home.issued_id is None)
        wrong = home.issued_id is not None and id_number_problem(home.issued_id, now().date())
        assert (Finding.ID_WRONG in found) == bool(wrong)
        numbers[home.issued_id] += home.issued_id is not None
    assert not records, "one survey for each household"
    assert max(numbers.values()) == 1


def check_files(session: Session) -> None:
    files = session.scalars(select(Attachment)).all()
    assert len({file.key for file in files}) == len(files) > 100
    for file in files:
        assert storage().size(file.key) == file.size
        assert 0 < storage().size(file.thumb_key) < 60_000
    photos = [file for file in files if file.field == "front_photos"]
    assert 0.8 < sum(file.taken_at is not None for file in photos) / len(photos) < 1
    storage().delete(files[0].key)
    assert storage().size(files[1].key) == files[1].size


def check_accounts(session: Session) -> None:
    made = list(accounts.listed(session))
    kinds = {(line["level"], line["kind"]) for line in made}
    assert kinds == {(level.name.lower(), kind.value) for level, kind in MATRIX}
    assert {duty for line in made for duty in line["duties"]} == {duty.value for duty in Duty}
    for account in session.scalars(select(Account)).unique():
        assert account.demo
        assert not account.must_change_password
        assert check_password_hash(account.password, accounts.PASSWORD)


@pytest.mark.usefixtures("rows")
def test_an_account_signs_in_and_needs_no_new_password(app: Flask) -> None:
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        answer = client.post(
            "/login/", data={"username": "61012200000000", "password": accounts.PASSWORD}
        )
        assert answer.status_code == 302
        assert client.get("/regions/children").status_code == 200
        app.config["PRODUCTION"] = True
        g.pop("_login_user", None)  # the fixture's context outlives a request
        assert client.get("/regions/children").status_code == 302  # a session from before is none
        again = client.post(
            "/login/", data={"username": "61012200000000", "password": accounts.PASSWORD}
        )
        assert again.status_code == 401
    finally:
        app.config["PRODUCTION"] = False
        app.config["WTF_CSRF_ENABLED"] = True


def test_commands(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for made in ("load.load", "moves.play"):
        monkeypatch.setattr(f"app.demo.{made}.__defaults__", (SMALL,))
    run = app.test_cli_runner().invoke
    app.config["PRODUCTION"] = True
    refused = run(args=["demo", "load"])
    app.config["PRODUCTION"] = False
    assert refused.exit_code == 1
    assert "production" in refused.output
    assert run(args=["demo", "accounts", "--json"]).output == ""
    first = run(args=["demo", "load", "--if-empty"])
    assert first.exit_code == 0, first.output
    assert " household," in first.output
    again = run(args=["demo", "load", "--if-empty"])
    assert (again.exit_code, again.output) == (0, "the demonstration data are there already\n")
    lines = [
        json.loads(line) for line in run(args=["demo", "accounts", "--json"]).output.splitlines()
    ]
    assert {"account", "password", "level", "kind", "duties", "division_code"} <= set(lines[0])
    assert [line["level"] for line in lines] == sorted(
        (line["level"] for line in lines), key=lambda name: Level[name.upper()]
    )
    assert len(run(args=["demo", "accounts"]).output.splitlines()) == len(lines)


def test_real_households_are_left_alone(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    with app.app_context(), unscoped("a household that is no demonstration") as session:
        county = places.region(session, "610122", Level.COUNTY)
        session.add(
            Household(
                region_id=county.id, issued_name="王建国", head_name="王建国", match_key="id:x"
            )
        )
        session.commit()
    assert run(args=["demo", "load", "--if-empty"]).exit_code == 0
    refused = run(args=["demo", "load"])
    assert refused.exit_code == 1
    assert "households already" in refused.output
    with app.app_context(), unscoped("the test counts all") as session:
        assert session.scalar(select(func.count()).select_from(Household)) == 1
        assert session.scalar(select(func.count()).select_from(Account)) == 0


def test_people_are_plausible_and_the_same_every_time() -> None:
    first, second = (People(random.Random(7)) for _ in range(2))
    heads = [first.head(["611021", "611022"]) for _ in range(2000)]
    assert heads == [second.head(["611021", "611022"]) for _ in range(2000)]
    assert len({head.number for head in heads}) == 2000
    for head in heads:
        assert id_number_problem(head.number, now().date()) is None
        assert (int(head.number[16]) % 2 == 1) == (head.sex == Sex.MALE)
        assert int(head.number[6:10]) == head.born
        assert id_number_problem(misspelt(head.number), now().date())
    child = first.child_of(heads[0], ["611021"])
    assert child.name[0] == heads[0].name[0]
    assert child.born > heads[0].born


def check_craftsmen(session: Session) -> None:
    """Certificates of every state, counted; somebody asks for one."""
    assert set(session.scalars(select(Craftsman.certificates_hold))) == set(Certificates)
    counted = counters.live_counts(session, CRAFTSMAN)
    assert counted == counters.kept_counts(session, CRAFTSMAN)
    assert session.scalars(select(Handover)).one().asked_by is not None
    known = {row.id_number: row.name for row in session.scalars(select(Craftsman))}
    named = session.scalars(select(Dossier).where(Dossier.builder == Builder.CRAFTSMAN)).all()
    assert named, "dossiers name who built"
    assert all(known[row.craftsman_id] == row.craftsman for row in named)
