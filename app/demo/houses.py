"""What a survey finds: one plausible set of answers to the whole look-back form.

Old earth-and-wood houses are worse than new concrete ones; a bad grade has risky parts, photos of
them and a measure. Every answer obeys the rules of the declaration.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

from app.demo.people import People, Person
from app.modules.homes.choices import (
    Grade,
    Judged,
    Living,
    Measure,
    OtherHome,
    ParcelState,
    Policy,
    Seismic,
)

_JUDGES = (
    ("商洛市房屋安全鉴定中心", "12611000435680217K"),
    ("陕西中辰建筑工程检测有限公司", "91611002MA6TL3QX4P"),
    ("宝鸡华信建设工程质量检测有限公司", "91610300MA6X7K2P5L"),
)
#: Share of grades A, B, C, D by code of 建筑年代, oldest first.
_GRADES = {
    "01": (5, 40, 33, 22),
    "02": (14, 50, 25, 11),
    "03": (30, 54, 12, 4),
    "04": (52, 42, 5, 1),
    "05": (72, 27, 1, 0),
    "06": (84, 16, 0, 0),
}
_STRUCTURES = {  # code of 结构类型 by age: earth and wood, then brick, then concrete
    "01": ("02", "02", "03", "04", "01"),
    "02": ("02", "01", "01", "03"),
    "03": ("01", "01", "03"),
    "04": ("01", "01", "05"),
    "05": ("01", "05", "05"),
    "06": ("05", "05", "01"),
}
_INTERIM = (
    "已劝导搬离危房，暂住亲戚家，村干部每周巡查。",
    "已安排住村集体周转房，待新房建成后搬入。",
    "临时支撑加固堂屋梁柱，遇强降雨转移到村委会。",
)


class Surveys:
    """Makes answers, one survey after the other."""

    def __init__(self, pick: random.Random, people: People) -> None:
        self.pick = pick
        self.people = people

    def answers(
        self, household: dict[str, Any], head: Person, prefixes: list[str], day: dt.date, by: str
    ) -> dict[str, Any]:
        """The whole form of a household that ``by`` surveyed on ``day``; files are :func:`files`."""
        if self._chance(0.035):
            return {"died": True}
        population = household["population"] or 1
        given: dict[str, Any] = {
            "died": False,
            "sex": household["sex"],
            "ethnicity": household["ethnicity"],
            "population": population,
            "phone": household["phone"],
            "village_group": household["village_group"],
            "surveyor": by,
            "surveyed_on": day,
            "head_changed": self._chance(0.025),
            "split": population > 3 and self._chance(0.008),
            "moved": False,
        }
        if given["head_changed"]:
            heir = self.people.child_of(head, prefixes)
            given |= {
                "new_head_name": heir.name,
                "new_head_id": heir.number,
                "new_head_phone": self.people.phone(),
                "new_head_relation": "02",
            }
        if given["split"]:
            child = self.people.child_of(head, prefixes)
            phone = self.people.phone()
            given["split_heads"] = [{"name": child.name, "id_number": child.number, "phone": phone}]
        if self._chance(0.09):
            home = self.pick.choices(list(OtherHome), (34, 10, 8, 14, 14, 16, 4))[0]
            given |= {"living": Living.OTHER, "other_home": home}
            if home == OtherHome.OTHER:
                given["other_home_text"] = "迁入移民搬迁安置点单元楼，原宅基地已腾退。"
            return given
        return given | {"living": Living.OWN} | self._house(household, head, day)

    def files(self, answers: dict[str, Any]) -> dict[str, int]:
        """How many files each file field of these answers has."""
        if answers.get("living") != Living.OWN:
            return {}
        counts = {"front_photos": self.pick.choice((1, 1, 1, 2)), "judged_paper": 1}
        if answers["grade"] in (Grade.C, Grade.D):
            counts["risky_photos"] = self.pick.choice((1, 1, 2))
        if answers["seismic_judged"]:
            counts["seismic_paper"] = 1
        return counts

    def _house(self, household: dict[str, Any], head: Person, day: dt.date) -> dict[str, Any]:
        age = self.pick.choices(list(_GRADES), (9, 18, 25, 26, 14, 8))[0]
        found = self.pick.random() < 0.72
        policy = self._chance(0.38)
        return {
            "policy_enjoyed": policy,
            "policies": (self.pick.choice((Policy.RENOVATION, Policy.POVERTY_RELOCATION)).value,)
            if policy
            else (),
            "parcel_state": ParcelState.CHOSEN if found else ParcelState.NOT_FOUND,
            "parcel_number": f"{household['place_code']}{self.pick.randrange(1, 900):05}"
            if found
            else None,
            "residence_type": "01",
            "storeys": self.pick.choices((1, 2, 3), (62, 33, 5))[0],
            "floor_area": Decimal(self.pick.randint(4500, 21000)) / 100,
            "year_built": age,
            "structure": self.pick.choice(_STRUCTURES[age]),
            "way_built": self.pick.choices(("01", "02", "03"), (40, 55, 5))[0],
            "land_nature": "01",
            **self._papers(age),
            "owners": [
                {
                    "name": head.name, "id_number": head.number, "phone": household["phone"],
                    "sex": head.sex.value, "relation": None,
                }
            ],
            **self._use(day),
            **self._safety(age, day),
        }  # fmt: skip

    def _papers(self, age: str) -> dict[str, Any]:
        found: dict[str, Any] = {
            "planning_permit": age >= "05" and self._chance(0.4),
            "homestead_permit": self._chance(0.45),
            "property_certificate": self._chance(0.3),
        }
        year = self.pick.randint(1996, 2018)
        if found["homestead_permit"]:
            number = f"农宅〔{year}〕{self.pick.randrange(1, 999):03}号"
            found |= {"homestead_number": number, "homestead_issuer": "县自然资源局"}
        return found

    def _use(self, day: dt.date) -> dict[str, Any]:
        found: dict[str, Any] = {
            "geological_hazard": self._chance(0.05),
            "seismic_design": self._chance(0.12),
            "seismic_built": self._chance(0.28),
            "strengthened": self._chance(0.06),
            "altered": self._chance(0.05),
            "business": self._chance(0.035),
            "heating": self.pick.choices(("01", "02", "99"), (52, 26, 22))[0],
            "cooking": self.pick.choices(("02", "03", "01", "99"), (45, 30, 12, 13))[0],
        }
        if found["geological_hazard"]:
            found["hazard_kinds"] = tuple(sorted(self.pick.sample(("01", "02", "04"), 1)))
        if found["seismic_built"]:
            found["seismic_kinds"] = self.pick.choice((("02",), ("02", "03"), ("01", "02", "03")))
        if found["strengthened"]:
            found["strengthened_on"] = day - dt.timedelta(days=self.pick.randint(200, 2500))
            found["damage_then"] = ("01",)
        if found["altered"]:
            found |= {"altered_times": 1, "altered_what": (self.pick.choice(("01", "02", "06")),)}
        if found["business"]:
            kind = self.pick.choice(("01", "02", "03"))
            found |= {"business_approved": self._chance(0.7), "business_kind": kind}
        return found

    def _safety(self, age: str, day: dt.date) -> dict[str, Any]:
        grade = self.pick.choices(list(Grade), _GRADES[age])[0]
        name, code = self.pick.choice(_JUDGES)
        judged_on = max(dt.date(2021, 3, 1), day - dt.timedelta(days=self.pick.randint(5, 900)))
        risky = grade in (Grade.C, Grade.D)
        seismic = self._chance(0.1)
        found: dict[str, Any] = {
            "judged": Judged.APPRAISAL if risky else self.pick.choice(list(Judged)),
            "judged_on": judged_on,
            "grade": grade,
            "judged_by": name,
            "judged_by_code": code,
            "seismic_judged": seismic,
        }
        unsafe = risky
        if risky:
            parts = self.pick.sample(("01", "02", "03", "05"), self.pick.randint(1, 2))
            found["risky_parts"] = tuple(sorted(parts))
        if seismic:
            poor = risky or self._chance(0.25)
            found |= {
                "seismic_judged_on": judged_on,
                "seismic_result": Seismic.NOT_SATISFIED if poor else Seismic.SATISFIED,
                "seismic_judged_by": name,
            }
            unsafe = unsafe or poor
        return found | (self._assurance(day, risky=risky) if unsafe else {})

    def _assurance(self, day: dt.date, *, risky: bool) -> dict[str, Any]:
        secured = self._chance(0.45)
        measures = (Measure.RENOVATION, Measure.SELF, Measure.RESETTLEMENT, Measure.PUBLIC_HOUSING)
        found: dict[str, Any] = {
            "secured": secured,
            "measure": self.pick.choices(measures, (76, 12, 7, 5))[0]
            if risky
            else Measure.RETROFIT,
            "measure_year": day.year + (not secured and self._chance(0.35)),
        }
        if not secured and self._chance(0.7):
            found["interim_measure"] = self.pick.choice(_INTERIM)
        return found

    def _chance(self, share: float) -> bool:
        return self.pick.random() < share
