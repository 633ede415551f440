"""The declaration of the archive (spec 06): sections in the order of annex 1, lists, figures, tables."""

from __future__ import annotations

from dataclasses import replace

from app.access.actor import Capability, Kind
from app.access.divisions.regions import Level
from app.access.entry import Entry
from app.core.clock import today
from app.kernel.declare.expressions import ALWAYS
from app.kernel.declare.figures import Figure, Years
from app.kernel.declare.flow import SENT_BACK, State, optional_county_review
from app.kernel.declare.groups import (
    Creates,
    Form,
    Heading,
    Lists,
    Menu,
    Milestone,
    Paper,
    Review,
    Section,
    Sheet,
    Story,
)
from app.kernel.declare.register import register, rule
from app.kernel.declare.tables import (
    HIGHEST,
    LOWEST,
    QUOTA,
    Column,
    Identity,
    Mean,
    Rate,
    Table,
    columns,
)
from app.modules.archives.choices import (
    ArchiveStage,
    OldDecade,
    PovertyKind,
    RenovationReason,
    SubsidyKind,
)
from app.modules.archives.model import FIRST_YEAR, Archive
from app.modules.archives.quality import QUALITY
from app.modules.archives.rules import derive, derive_of_photos

r = rule(Archive)

#: Managers of counties and towns enter (2009 §四, annex 3); clerks, whatever their duty, and cities where it
#: is granted to them.
ENTRY = Entry(
    by=((Level.COUNTY, Kind.MANAGER), (Level.TOWN, Kind.MANAGER)),
    on_grant=(
        (Level.CITY, Kind.MANAGER),
        (Level.TOWN, Kind.CLERK),
        (Level.VILLAGE, Kind.CLERK),
    ),
)

houseless = r.old_decade.is_(OldDecade.HOUSELESS)
five_guarantees = r.poverty_kind.in_(PovertyKind.FIVE_GUARANTEES, PovertyKind.DESTITUTE)
allowance = r.poverty_kind.is_(PovertyKind.ALLOWANCE)
#: spec 06 "Data analysis": a household without a house has 0 m².
small = houseless | r.old_area.compare("lt", 60)
large = ~houseless & r.old_area.compare("ge", 80)
middle = ~houseless & r.old_area.compare("ge", 60) & r.old_area.compare("lt", 80)

#: Rates of what was given to do, each with the figures of rows that it still lacks, the next step first.
_recorded = Rate("完成率", "recorded", QUOTA, HIGHEST)
_begun = Rate("开工率", "begun", QUOTA, HIGHEST, lacks="approved")
_completed = Rate("竣工率", "completed", QUOTA, HIGHEST, lacks="started approved")
_FINDINGS = (
    ("不完整", "不完整率", "incomplete"),
    ("错误", "错误率", "error"),
    ("质疑", "质疑率", "questionable"),
)


def _found(head: str, severity: str) -> Rate:
    """How many archives with such a finding come to what was given."""
    return Rate(head, severity, QUOTA, LOWEST)


def _this_year() -> int:
    return today().year


ARCHIVE = register(
    Archive,
    title="农村危房改造农户档案",
    heading=Heading(65, module="农户档案", icon="folder"),
    record_word="农户档案",
    creates=Creates(
        Level.COUNTY,
        sheet=Sheet(
            places=(
                "省（自治区、直辖市）",
                "地区（市、州、盟）",
                "县（市、区、旗）",
                "乡（镇）",
                "村民委员会",
            ),
            leaves_out="face_shown",
        ),
    ),
    key="head_id plan_year",
    entry=ENTRY,
    keeps=True,
    review=Review(optional_county_review, setting="农户档案审核"),
    quality=QUALITY,
    derives=(derive,),
    derives_of_files=(derive_of_photos,),
    years=Years(
        "plan_year",
        FIRST_YEAR,
        usual=_this_year,
        by="subsidy_kind",
        usual_kind=SubsidyKind.CENTRAL,
    ),
    quotas=True,
    form=Form(remember="plan_year subsidy_kind"),
    story=Story(
        milestones=(
            Milestone("approved_on", "批准改造", "plan_year subsidy_kind"),
            Milestone("started_on", "开工", "way"),
            Milestone("completed_on", "竣工", "structure area"),
        ),
        stands="progress",
    ),
    papers=(
        Paper(
            "form",
            "农村危房改造农户纸质档案表",
            blank=True,
            number="档案编号",
            without="application_papers notice_papers appraisal_papers funding_papers acceptance_papers",
            signed=("农户签字", "填表人", "审核人", "单位（盖章）", "日期"),
        ),
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
        ledger="head_name head_id plan_year subsidy_kind poverty_kind way progress state severities",
        filters="head_name head_id state plan_year subsidy_kind progress poverty_kind reason way built_by"
        " old_decade structure accepted demonstration disabled_poor border severities broken",
        indexed="head_name head_id state plan_year progress",
    ),
    figures={
        "recorded": Figure("录入户数", ALWAYS),
        "approved": Figure("批准未开工", r.progress.is_(ArchiveStage.APPROVED), tone="neutral"),
        "started": Figure("开工未竣工", r.progress.is_(ArchiveStage.STARTED), tone="warn"),
        "completed": Figure("已竣工", r.progress.is_(ArchiveStage.COMPLETED), tone="good"),
        "accepted": Figure("已验收", r.accepted.yes, tone="good"),
        "begun": Figure("已开工", r.progress.in_(ArchiveStage.STARTED, ArchiveStage.COMPLETED)),
        "timely": Figure("录入及时", r.timely.yes),
        "asked_timely": Figure("计及时率的档案", r.timely.given),
        "rectify": Figure("退回整改", r.state.in_(*SENT_BACK), tone="bad"),
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
        "poorest": Figure("五保、低保户", five_guarantees | allowance),
        "measured": Figure("已填改造后面积", r.area.given),
        "area": Figure("改造后房屋面积", ALWAYS, sum="area"),
        "invested": Figure("总投资", ALWAYS, sum="invested"),
        "subsidy": Figure("各级政府补助资金", ALWAYS, sum="subsidy"),
        "loan": Figure("农户危房改造贷款", ALWAYS, sum="loan"),
        "own_funds": Figure("农户其它自筹资金", ALWAYS, sum="own_funds"),
        "xinjiang_aid": Figure("对口援疆补助资金", ALWAYS, sum="xinjiang_aid"),
    },
    headline="recorded approved started completed",
    tables=(
        Table(
            "ranking",
            "进度排名",
            (
                *columns(f"{QUOTA} recorded"),
                _recorded,
                Column("begun"),
                _begun,
                Column("completed"),
                _completed,
                Column("accepted"),
                Rate("及时率", "timely", "asked_timely"),
            ),
            identities=(Identity("begun = started + completed"),),
            chart=("completed", "started", "approved"),
        ),
        Table(
            "progress",
            "项目进度",
            (
                *columns(f"{QUOTA} recorded approved started completed accepted invested subsidy"),
                Column("loan", head="贷款"),
                Column("own_funds", head="其它自筹"),
                Column("xinjiang_aid", head="援疆"),
            ),
            identities=(Identity("recorded = approved + started + completed"),),
            chart=("completed", "started", "approved"),
            progress=("completed", "recorded"),
            told_on="completion_told_on",
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
        Table(
            "key",
            "关键指标",
            (
                Column("recorded"),
                Rate("五保、低保户率", "poorest", "recorded", rank=HIGHEST),
                Mean("户均面积", "area", "measured", rank=LOWEST),
                replace(_recorded, head="档案录入率"),
                _begun,
                _completed,
                *(_found(head, name) for _group, head, name in _FINDINGS),
            ),
            on_desk=True,
        ),
        Table(
            "quality",
            "数据质量",
            (
                *columns(f"{QUOTA} recorded"),
                *(
                    Column(head=group, columns=(Column(name, head="户数"), _found(head, name)))
                    for group, head, name in _FINDINGS
                ),
            ),
            chart=("incomplete", "error", "questionable"),
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
        Menu(
            "review",
            "农户档案审核",
            Capability.REVIEW,
            states=(State.SUBMITTED,),
            action="档案审核",
            hint="没有待审核的档案。县级管理用户可在“参数设置”里开启农户档案审核；不开启的，保存即为已录入。",
        ),
        Menu("query", "农户档案查询", Capability.SEARCH, action="查看"),
        Menu(
            "deleted",
            "已删除的农户档案",
            Capability.RESTORE,
            rows=r.hidden_on.given,
            ledger="head_id plan_year hidden_on hidden_by hidden_why",
            hint="删除的农户档案永久保存在这里，可以恢复。",
        ),
    ),
)
