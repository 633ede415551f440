"""The declaration of the archive (spec 06): sections in the order of annex 1, lists, figures, tables."""

from __future__ import annotations

from app.access.actor import Capability
from app.access.divisions.regions import Level
from app.core.clock import today
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.groups import Creates, Form, Heading, Lists, Milestone, Story
from app.kernel.declare.register import Figure, Menu, Section, Years, register, rule
from app.kernel.declare.tables import Column, Identity, Table, columns
from app.modules.archives.choices import (
    ArchiveStage,
    OldDecade,
    PovertyKind,
    RenovationReason,
)
from app.modules.archives.model import FIRST_YEAR, Archive
from app.modules.archives.rules import derive

r = rule(Archive)

houseless = r.old_decade.is_(OldDecade.HOUSELESS)
five_guarantees = r.poverty_kind.in_(PovertyKind.FIVE_GUARANTEES, PovertyKind.DESTITUTE)
allowance = r.poverty_kind.is_(PovertyKind.ALLOWANCE)
#: spec 06 "Data analysis": a household without a house has 0 m².
small = houseless | r.old_area.compare("lt", 60)
large = ~houseless & r.old_area.compare("ge", 80)
middle = ~houseless & r.old_area.compare("ge", 60) & r.old_area.compare("lt", 80)


def _this_year() -> int:
    return today().year


ARCHIVE = register(
    Archive,
    title="农村危房改造农户档案",
    heading=Heading(65, module="农户档案", icon="folder"),
    record_word="农户档案",
    creates=Creates(Level.COUNTY),
    key="head_id plan_year",
    derives=(derive,),
    years=Years("plan_year", FIRST_YEAR, usual=_this_year),
    form=Form(save_needs="head_name plan_year", remember="plan_year subsidy_kind"),
    story=Story(
        milestones=(
            Milestone("approved_on", "批准改造", "plan_year subsidy_kind"),
            Milestone("started_on", "开工", "way"),
            Milestone("completed_on", "竣工", "structure area"),
        ),
        stands="progress",
    ),
    sections=(
        Section("地址情况", "village_group border"),
        Section(
            "农户情况",
            "head_name no_number head_id no_number_why population ethnicity poverty_kind disabled_poor"
            " income old_decade old_area old_structure no_phone phone no_phone_why",
        ),
        Section("改造情况", "reason way built_by structure area owner"),
        Section("进度情况", "plan_year approved_on started_on completed_on accepted"),
        Section("资金情况", "subsidy_kind invested subsidy xinjiang_aid loan own_funds"),
        Section("建筑节能示范", "demonstration energy_saving energy_cost"),
        Section("照片情况", "photos_before photos_during photos_after face_shown"),
        Section(
            "档案材料",
            "application_papers notice_papers appraisal_papers funding_papers acceptance_papers",
            intro="可以上传纸质材料的扫描件或照片。",
        ),
    ),
    lists=Lists(
        ledger="head_name head_id plan_year subsidy_kind poverty_kind way progress accepted",
        filters="head_name head_id plan_year subsidy_kind progress poverty_kind reason way built_by"
        " old_decade structure accepted demonstration disabled_poor border",
        indexed="head_name head_id plan_year progress",
    ),
    figures={
        "recorded": Figure("录入户数", ALWAYS),
        "approved": Figure("批准未开工", r.progress.is_(ArchiveStage.APPROVED), tone="neutral"),
        "started": Figure("开工未竣工", r.progress.is_(ArchiveStage.STARTED), tone="warn"),
        "completed": Figure("已竣工", r.progress.is_(ArchiveStage.COMPLETED), tone="good"),
        "accepted": Figure("已验收", r.accepted.yes, tone="good"),
        "grade_c": Figure("C级危房", r.reason.is_(RenovationReason.C)),
        "grade_d": Figure("D级危房", r.reason.is_(RenovationReason.D)),
        "other_reason": Figure("其他原因", r.reason.is_(RenovationReason.OTHER)),
        "houseless": Figure("无房户新建", houseless),
        "no_reason": Figure("未填改造原因", ~houseless & ~r.reason.given, tone="neutral"),
        "five_guarantees": Figure("五保户", five_guarantees),
        "allowance": Figure("低保户", allowance),
        "other_poor": Figure("其他贫困户", r.poverty_kind.given & ~five_guarantees & ~allowance),
        "no_poverty_kind": Figure("未填贫困类型", ~r.poverty_kind.given, tone="neutral"),
        "small": Figure("60平米以下", small),
        "middle": Figure("60-80平米", middle),
        "large": Figure("80平米以上", large),
        "no_old_area": Figure("未填旧房面积", ~houseless & ~r.old_area.given, tone="neutral"),
    },
    headline="recorded approved started completed",
    tables=(
        Table(
            "progress",
            "项目进度",
            columns("recorded approved started completed accepted"),
            identities=(Identity("recorded = approved + started + completed"),),
            chart=("completed", "started", "approved"),
        ),
        Table(
            "analysis",
            "数据分析",
            (
                Column("recorded"),
                Column(
                    head="改造原因",
                    columns=columns("grade_c grade_d other_reason houseless no_reason"),
                ),
                Column(
                    head="农户贫困类型",
                    columns=columns("five_guarantees allowance other_poor no_poverty_kind"),
                ),
                Column(head="旧住房建筑面积", columns=columns("small middle large no_old_area")),
            ),
            identities=(
                Identity("recorded = grade_c + grade_d + other_reason + houseless + no_reason"),
                Identity("recorded = five_guarantees + allowance + other_poor + no_poverty_kind"),
                Identity("recorded = small + middle + large + no_old_area"),
            ),
            chart=("grade_d", "grade_c", "other_reason", "houseless"),
        ),
    ),
    menus=(
        Menu(
            "entry",
            "农户档案录入",
            Capability.ENTER,
            action="修改",
            hint="点击“新增”录入一户的档案；批准后立即录入，开工、竣工后补充。",
        ),
        Menu("query", "农户档案查询", Capability.SEARCH, action="查看"),
    ),
)
