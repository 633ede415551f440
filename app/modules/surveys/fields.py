"""The survey of a household and its house: what look-back (spec 02) and monitoring (spec 03) share.

Its conditions are over names, so every register of surveys reads them of its own rows.
"""

from __future__ import annotations

from app.kernel.declare import fields as f
from app.kernel.declare.groups import Milestone, Section
from app.kernel.rows.record import Reviewed
from app.modules.homes.choices import Living
from app.modules.homes.family import Family, Home
from app.modules.homes.house import Assurance, Hazards, House, Safety


class Survey(Reviewed, House, Hazards, Safety, Assurance, Family, Home):
    """The columns of a survey."""

    #: The house was renovated since, and the survey says nothing of that yet.
    to_resurvey = f.system(f.yes_no("改造后待重新排查"), default=False)


alive = Survey.died.no
#: Whoever moves is surveyed where they move to (spec 02 "Moves").
stays = alive & ~Survey.moved.yes
own = stays & Survey.living.is_(Living.OWN)
homeless = stays & Survey.living.is_(Living.NONE)
#: It is asked how safety is, or will be, secured.
asks_assurance = (own & Survey.needs_assurance) | homeless
#: The survey says that the house is not safe yet.
unsecured = asks_assurance & ~Survey.secured.yes


def sections(home: str = "living other_home other_home_text") -> tuple[Section, ...]:
    """The form; ``home`` are the fields of 现住房情况."""
    return (
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
        Section("现住房情况", home, shown=stays),
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
            shown=asks_assurance,
        ),
    )


#: Days that the household's page tells.
MILESTONES = (
    Milestone("surveyed_on", "入户排查", "surveyor"),
    Milestone("judged_on", "鉴定或评估", "judged grade judged_by"),
    Milestone("seismic_judged_on", "抗震鉴定或评估", "seismic_result"),
)
