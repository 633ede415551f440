"""The declaration of the look-back register (spec 02): sections, lists, figures, tables, menus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.access.actor import Capability
from app.actions import history, households
from app.actions.parcels import number_is_known
from app.core.i18n import _
from app.parts.choices import Grade
from app.registers.lookback.model import Living, Lookback
from app.registry.flow import SENT_BACK, State, county_review
from app.registry.households import Household
from app.registry.records import Standing
from app.registry.register import (
    Column,
    Figure,
    Identity,
    Menu,
    Section,
    Table,
    columns,
    register,
    rule,
)
from app.registry.rules import Problem

r = rule(Lookback)

alive = r.died.no
#: Whoever moves is surveyed where they move to (spec 02 "Moves").
stays = alive & ~r.moved.yes
own = stays & r.living.is_(Living.OWN)
#: A household that split off joins when its parent is approved (spec 02 "Split households").
listed = ~r.standing.is_(Standing.PENDING)
approved = listed & r.state.is_(State.APPROVED)
approved_own = approved & own


def identity_follows(session: Session, survey: Lookback) -> None:
    """An approved correction and change of head become the household's (spec 00 "Identity"). What
    an earlier approval made of it, and the survey no longer says, is undone.
    """
    household = session.get(Household, survey.household_id)
    if household is None or survey.died:  # who died out is still known as before
        return
    before = history.approved_before(survey)
    if survey.corrected_id:
        households.correct_id(session, household, survey.corrected_id)
    elif household.corrected_id and household.corrected_id == before.get("corrected_id"):
        households.drop_correction(session, household)
    if not survey.head_changed:
        if before.get("new_head_name") and household.head_name == before["new_head_name"]:
            theirs = household.phone == before.get("new_head_phone")
            households.issued_head(session, household, survey.phone if theirs else household.phone)
    elif survey.new_head_name:
        households.new_head(
            session, household, survey.new_head_name, survey.new_head_id, survey.new_head_phone
        )


def head_is_another(survey: Lookback, values: Mapping[str, Any]) -> Iterator[Problem]:
    """A new head is another person than the one of the list."""
    number = values.get("new_head_id")
    if not number:
        return
    household = households.get(survey.household_id)
    if number in (household.issued_id, household.corrected_id, values.get("corrected_id")):
        yield Problem(
            "new_head_id",
            "new_head_id.same",
            _("与原户主的身份证号相同，户主没有变更的请选择“否”。"),
        )


def number_is_free(survey: Lookback, values: Mapping[str, Any]) -> Iterator[Problem]:
    """A corrected number must not be another household's already (spec 08)."""
    number = values.get("corrected_id")
    if number and (message := households.listed_already(survey.household_id, number)):
        yield Problem("corrected_id", "corrected_id.listed", message)


LOOKBACK = register(
    Lookback,
    title="脱贫户住房安全保障回头看",
    record_word="回头看档案",
    flow=county_review,
    follows="poverty_exit",
    checks=(number_is_free, head_is_another, number_is_known),
    listed=listed,
    moves="moved new_place",
    splits="split split_heads",
    on_approval=(identity_follows,),
    save_needs="died",
    builds=r.head_changed.yes | r.corrected_id.given | r.split.yes,
    remember="surveyor surveyed_on heating cooking",
    sections=(
        Section("户籍变化情况", "died"),
        Section(
            "农户基本信息",
            "corrected_id sex ethnicity population phone village_group surveyor surveyed_on",
            shown=stays,
        ),
        Section(
            "家庭变化情况",
            "head_changed new_head_name new_head_id new_head_phone new_head_relation split split_heads"
            " moved new_place",
            shown=alive,
            all_no="head_changed split moved",
        ),
        Section("现住房情况", "living other_home other_home_text", shown=stays),
        Section("住房安全保障政策", "policy_enjoyed policies", shown=own),
        Section(
            "房屋基本信息",
            "parcel_state parcel_number residence_type address storeys floor_area year_built structure"
            " way_built land_nature planning_permit planning_number planning_date planning_issuer"
            " homestead_permit homestead_number homestead_date homestead_issuer property_certificate"
            " property_number property_date property_issuer owners occupants",
            shown=own,
        ),
        Section(
            "房屋地质灾害、改扩建、用作经营信息",
            "geological_hazard hazard_kinds seismic_design seismic_built seismic_kinds strengthened"
            " strengthened_on damage_then altered altered_times altered_what business business_approved"
            " business_kind heating cooking",
            shown=own,
            all_no="geological_hazard seismic_design seismic_built strengthened altered business",
        ),
        Section(
            "房屋安全情况",
            "judged judged_on grade judged_by judged_by_code judged_paper risky_parts risky_photos"
            " seismic_judged seismic_judged_on seismic_result seismic_judged_by seismic_paper",
            shown=own,
        ),
        Section("房屋照片", "front_photos", shown=own),
        Section(
            "保障信息",
            "secured measure measure_year interim_measure",
            shown=own & Lookback.needs_assurance,
        ),
    ),
    ledger="head_name head_id phone living grade state",
    filters="head_name head_id state died living grade secured measure measure_year parcel_state",
    indexed="state head_name head_id parcel_state",
    figures={
        "total": Figure("脱贫户总数", listed & r.state.in_(*State)),
        "split": Figure("其中：分户", r.standing.is_(Standing.COUNTED)),
        "missing": Figure("未录入", listed & r.state.is_(State.MISSING), tone="neutral"),
        "draft": Figure("已录入", listed & r.state.is_(State.DRAFT), tone="info"),
        "submitted": Figure("待审核", listed & r.state.is_(State.SUBMITTED), tone="warn"),
        "approved": Figure("审核通过", approved, tone="good"),
        "returned": Figure("退回补正", listed & r.state.in_(*SENT_BACK), tone="bad"),
        "returned_county": Figure("县级退回补正", listed & r.state.is_(State.RETURNED), tone="bad"),
        "rectify": Figure("退回整改", listed & r.state.is_(State.RECTIFY), tone="bad"),
        "own_house": Figure("自有农村住房", approved_own),
        "no_hazard": Figure(
            "未发现安全隐患", approved_own & r.grade.in_(Grade.A, Grade.B), tone="good"
        ),
        "some_hazard": Figure("存在一定安全隐患", approved_own & r.grade.is_(Grade.C), tone="warn"),
        "severe_hazard": Figure(
            "存在严重安全隐患", approved_own & r.grade.is_(Grade.D), tone="bad"
        ),
        "other_safe": Figure(
            "其他安全住房", approved & stays & r.living.is_(Living.OTHER), tone="info"
        ),
        "died": Figure("死亡销户", approved & r.died.yes, tone="neutral"),
    },
    headline="total approved submitted returned",
    tables=(
        Table(
            "progress",
            "进度统计",
            (
                *columns("total split missing draft submitted approved returned"),
                Column("rectify", head="其中：退回整改"),
            ),
            identities=(Identity("total = missing + draft + submitted + approved + returned"),),
            chart=("approved", "submitted", "draft", "returned", "missing"),
            progress=("approved", "total"),
        ),
        Table(
            "summary",
            "综合统计",
            (
                Column("total"),
                Column("split"),
                Column("approved", head="档案审核通过"),
                Column(
                    head="自有农村住房",
                    columns=(
                        Column("own_house", head="总数"),
                        Column("no_hazard"),
                        Column("some_hazard"),
                        Column("severe_hazard"),
                    ),
                ),
                Column("other_safe"),
                Column("died"),
            ),
            identities=(
                Identity("approved = own_house + other_safe + died"),
                Identity("own_house = no_hazard + some_hazard + severe_hazard"),
            ),
            chart=("no_hazard", "some_hazard", "severe_hazard", "other_safe", "died"),
            on_desk=True,
        ),
    ),
    menus=(
        Menu(
            "entry",
            "档案录入",
            Capability.ENTER,
            action="档案填报",
            hint="如果村、镇没有显示脱贫户，请联系上级主管部门核实账号，或由上级点击“档案填报”选择地区后保存。",
        ),
        Menu(
            "splits",
            "分户档案录入",
            Capability.ENTER,
            rows=r.standing.given,
            action="档案填报",
            hint="在“档案录入”里填报“是否分户”并保存后，分户的户主会出现在这里。",
        ),
        Menu("review", "档案审核", Capability.REVIEW, states=(State.SUBMITTED,), action="档案审核"),
        Menu(
            "parcels",
            "补录图斑",
            Capability.ENTER,
            action="补录图斑",
            hint="填报时选了“未发现图斑”的农户会出现在这里，不影响录入和审核。",
            only="parcel_state=not_found",
            page="parcel",
        ),
        Menu("query", "档案查询", Capability.SEARCH, action="查看"),
    ),
)
