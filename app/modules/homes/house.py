"""The house: facts, papers, owners, hazards and use, safety, assurance, photos.

Source: 2024 manual 1.2.1 指标解释; spec 02 "Form". Sections give the common condition (own rural
house); the conditions here are those between fields.
"""

from __future__ import annotations

import datetime as dt

from app.kernel.declare import fields as f
from app.kernel.rows.household import Sex
from app.modules.homes.choices import Grade, Judged, Measure, ParcelState, Policy, Seismic

#: 2024 manual: 必须是 2021 年（含）以后的鉴定评估时间.
APPRAISALS_FROM = dt.date(2021, 1, 1)


def person_rows() -> tuple[f.Field, ...]:
    """Fields of an owner or user of the house."""
    return (
        f.row("name", f.person("姓名")),
        f.row("id_number", f.id_number("身份证号", required=False)),
        f.row("phone", f.phone("联系电话", required=False)),
        f.row("sex", f.choice("性别", Sex, required=False)),
        f.row("relation", f.listed("与户主关系", "relation", required=False)),
    )


class Surveyed(f.Declared):
    """Who went to the household and when; rules on dates compare with that day, not with today."""

    surveyor = f.person("排查人", help="实际到农户家中排查房屋信息的人员姓名")
    surveyed_on = f.date("排查时间", not_after=f.Today(), help="实际到农户家中排查房屋信息的时间")


class House(Surveyed):
    """房屋基本信息."""

    policy_enjoyed = f.yes_no("是否享受过农村住房安全保障政策")
    policies = f.many("政策类型", Policy, shown=policy_enjoyed.yes)
    parcel_state = f.choice("图斑情况", ParcelState, chooser="parcel")
    parcel_number = f.text("图斑编号", 40, shown=parcel_state.is_(ParcelState.CHOSEN))
    residence_type = f.listed("住宅类型", "residence_type", required=False)
    address = f.text("房屋地址", 200, required=False)
    storeys = f.integer("建筑层数", 1, 30, unit="层")
    floor_area = f.decimal("建筑面积", 1, 9999, unit="平方米")
    year_built = f.listed("建筑年代", "year_built")
    structure = f.listed("结构类型", "structure")
    way_built = f.listed("建造方式", "way_built")
    land_nature = f.listed("土地性质", "land_nature")

    planning_permit = f.yes_no("是否办理乡村建设规划许可证")
    planning_number = f.text("规划许可证号", 60, shown=planning_permit.yes, required=False)
    planning_date = f.date(
        "规划许可证发证时间",
        shown=planning_permit.yes,
        required=False,
        not_after=Surveyed.surveyed_on,
    )
    planning_issuer = f.text("规划许可证发证单位", shown=planning_permit.yes, required=False)
    homestead_permit = f.yes_no("是否办理农村宅基地批准书")
    homestead_number = f.text("宅基地批准书号", 60, shown=homestead_permit.yes, required=False)
    homestead_date = f.date(
        "宅基地批准书发证时间",
        shown=homestead_permit.yes,
        required=False,
        not_after=Surveyed.surveyed_on,
    )
    homestead_issuer = f.text("宅基地批准书发证单位", shown=homestead_permit.yes, required=False)
    property_certificate = f.yes_no("是否办理不动产登记证")
    property_number = f.text("不动产登记证号", 60, shown=property_certificate.yes, required=False)
    property_date = f.date(
        "不动产登记证发证时间",
        shown=property_certificate.yes,
        required=False,
        not_after=Surveyed.surveyed_on,
    )
    property_issuer = f.text("不动产登记证发证单位", shown=property_certificate.yes, required=False)

    owners = f.children("产权人信息", *person_rows(), required=False)
    occupants = f.children("使用人信息", *person_rows(), required=False)


class Hazards(Surveyed):
    """房屋地质灾害、改扩建、用作经营信息."""

    geological_hazard = f.yes_no("是否存在地质灾害隐患")
    hazard_kinds = f.many("地质灾害隐患类型", "geological_hazard", shown=geological_hazard.yes)
    seismic_design = f.yes_no("抗震设防是否进行专业设计")
    seismic_built = f.yes_no("是否采取抗震构造措施")
    seismic_kinds = f.many("抗震构造措施", "seismic_measure", shown=seismic_built.yes)
    strengthened = f.yes_no("是否进行抗震加固")
    strengthened_on = f.date("抗震加固时间", shown=strengthened.yes, not_after=Surveyed.surveyed_on)
    damage_then = f.many("当时变形损伤主要情形", "damage", shown=strengthened.yes)
    altered = f.yes_no("是否改扩建")
    altered_times = f.integer("改扩建次数", 1, 50, unit="次", shown=altered.yes)
    altered_what = f.many("改扩建内容", "alteration", shown=altered.yes)
    business = f.yes_no("是否用作经营")
    business_approved = f.yes_no("是否有经营审批", shown=business.yes)
    business_kind = f.listed("经营类型", "business", shown=business.yes)
    heating = f.listed("采暖用能", "energy")
    cooking = f.listed("炊事用能（含生活热水）", "energy")


class Safety(Surveyed):
    """房屋安全情况."""

    judged = f.choice("鉴定或评估情况", Judged, help="有鉴定报告的选择鉴定，有评估报告的选择评估")
    judged_on = f.date("鉴定或评估时间", not_before=APPRAISALS_FROM, not_after=Surveyed.surveyed_on)
    grade = f.choice("鉴定或评估结果", Grade)
    judged_by = f.text("鉴定或评估单位", required=False)
    judged_by_code = f.uscc("鉴定或评估单位统一社会信用代码", required=False)
    judged_paper = f.papers("鉴定或评估材料", help="上传带有 A、B、C、D 级结果的鉴定或评估材料")
    risky_parts = f.many("风险部位", "risky_part", shown=grade.in_("C", "D"))
    risky_photos = f.photos(
        "安全隐患部位照片", 1, 3, shown=grade.in_("C", "D"), taken_on="surveyed_on"
    )
    seismic_judged = f.yes_no("是否抗震鉴定或评估")
    seismic_judged_on = f.date(
        "抗震鉴定或评估时间", shown=seismic_judged.yes, not_after=Surveyed.surveyed_on
    )
    seismic_result = f.choice("抗震鉴定或评估结果", Seismic, shown=seismic_judged.yes)
    seismic_judged_by = f.text("抗震鉴定或评估单位", shown=seismic_judged.yes, required=False)
    seismic_paper = f.papers("抗震鉴定或评估材料", shown=seismic_judged.yes)
    front_photos = f.photos("房屋正立面全景照片", 1, 3, taken_on="surveyed_on")

    #: A house that is not safe enough: its section 保障信息 shows (spec 02 "assurance").
    needs_assurance = grade.in_("C", "D") | (
        grade.in_("A", "B") & seismic_result.is_(Seismic.NOT_SATISFIED)
    )


class Assurance(Surveyed):
    """保障信息: how and when safety is, or will be, secured."""

    secured = f.yes_no("是否已保障住房安全")
    measure = f.choice("保障措施", Measure, help="未保障的填写申请保障措施")
    measure_year = f.year(
        "保障年度",
        near=Surveyed.surveyed_on,
        called=((secured.no, "计划保障年度"),),
        help="已保障的为排查当年；未保障的为排查当年或下一年",
    )
    measure_year.checks += [
        f.Check(
            "early",
            measure_year.compare("lt", Surveyed.surveyed_on.year),
            "保障年度不能早于排查年度。",
        ),
        f.Check(
            "late",
            measure_year.compare("gt", Surveyed.surveyed_on.year.plus(1)),
            "保障年度只能选择排查当年或下一年度。",
        ),
        f.Check(
            "secured",
            secured.yes & measure_year.compare("gt", Surveyed.surveyed_on.year),
            "已保障住房安全的，保障年度应为排查当年。",
        ),
    ]
    interim_measure = f.long_text("过渡期安全措施", 500, shown=secured.no, required=False)


#: What the household's page and paper say of a house, where the record has it.
SUMMARY = (
    "living other_home address parcel_number structure storeys floor_area year_built way_built judged"
    " judged_on grade judged_by seismic_result secured measure measure_year"
)
