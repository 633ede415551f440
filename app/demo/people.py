"""Plausible people: names by sex and age, valid identity numbers, mobile numbers."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from app.kernel.kinds.formats import id_check_character
from app.kernel.rows.household import Sex


def _words(text: str) -> list[str]:
    return text.split()


_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡"
    "贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷"
    "钱汤尹黎易常武乔贺赖龚文雒党屈寇左"
)
_COMMON = _SURNAMES[:16]  # two in five bear one of these
_TWO = ("欧阳", "上官", "司马")
_GIVEN = {
    (Sex.MALE, "old"): _words(
        "建国 建民 建设 志刚 志强 志明 德福 德胜 德林 福生 福来 长安 长林 长青 金山 金锁 银锁 铁柱 "
        "拴柱 拴牢 根生 根柱 满仓 满囤 天财 天佑 进财 进才 有才 有福 有德 书林 书平 新民 新社 忠良 忠孝 "
        "义民 义平 振华 振兴 振江 学义 学礼 崇德 崇礼 丙寅 甲子 来娃 平娃 虎娃 兴旺 兴民 彦明 彦林"
    ),
    (Sex.FEMALE, "old"): _words(
        "秀英 秀兰 秀珍 秀芳 桂英 桂兰 桂花 桂芳 玉兰 玉梅 玉珍 玉琴 玉莲 淑珍 淑芳 淑贤 淑琴 凤英 凤兰 "
        "凤莲 彩霞 彩云 彩莲 菊花 菊香 菊芳 兰英 兰花 荷花 荷叶 腊梅 春花 秋香 爱琴 爱玲 爱莲 巧玲 巧珍 "
        "改转 改芳 粉娥 月娥 月英 翠花 翠芳 变娃 麦叶 雪梅 惠芳"
    ),
    (Sex.MALE, "young"): _words(
        "伟 强 军 勇 涛 超 鹏 磊 斌 波 辉 刚 峰 杰 浩 凯 飞 亮 建军 建平 建峰 小军 小平 小龙 小虎 海涛 海军 "
        "海峰 晓东 晓峰 文涛 文斌 文军 永刚 永强 永红 红军 红卫 卫东 卫国 宏伟 宏刚 亚军 亚平 新锋 博文 "
        "鹏飞 志鹏 少华 保平 宝宝 江涛 战锋 战军"
    ),
    (Sex.FEMALE, "young"): _words(
        "芳 娟 丽 敏 霞 艳 静 燕 玲 萍 红 娜 莉 琴 洁 雪 晓霞 晓燕 晓丽 小娟 小红 小燕 小芳 丽娟 丽娜 丽萍 "
        "红霞 红梅 红艳 海燕 海霞 春燕 春霞 春玲 亚丽 亚娟 亚玲 文娟 文丽 建芳 建玲 婷婷 娟娟 莎莎 玲玲 "
        "雪琴 美丽 亚妮 鲜妮 云侠"
    ),
}
_PREFIXES = _words(
    "130 131 133 134 135 136 137 138 139 150 151 152 153 155 157 158 159 173 177 "
    "180 181 182 183 185 187 188 189 199"
)
_YOUNG_FROM = 1968


@dataclass(frozen=True)
class Person:
    """A name, a valid identity number, its sex and birth year."""

    name: str
    number: str
    sex: Sex
    born: int


class People:
    """Makes people one after the other; no identity number twice."""

    def __init__(self, pick: random.Random, taken: set[str] | None = None) -> None:
        """``taken``: numbers that others have."""
        self.pick = pick
        self.numbers = set() if taken is None else taken

    def head(self, prefixes: list[str]) -> Person:
        """A head of household, 25 to 90 years old, mostly a man of the county."""
        sex = Sex.MALE if self.pick.random() < 0.81 else Sex.FEMALE
        born = min(1999, max(1934, round(self.pick.gauss(1963, 13))))
        return self.person(prefixes, sex, born)

    def child_of(self, head: Person, prefixes: list[str]) -> Person:
        """Someone a generation younger, of the same surname."""
        sex = Sex.MALE if self.pick.random() < 0.7 else Sex.FEMALE
        born = min(2004, head.born + self.pick.randint(21, 32))
        surname = head.name[:2] if head.name[:2] in _TWO else head.name[0]
        return self.person(prefixes, sex, born, surname)

    def person(self, prefixes: list[str], sex: Sex, born: int, surname: str = "") -> Person:
        """Someone of this sex and birth year whose number begins with the first prefix, mostly."""
        return Person(self._name(sex, born, surname), self._number(prefixes, sex, born), sex, born)

    def phone(self) -> str:
        """A mobile number."""
        return self.pick.choice(_PREFIXES) + f"{self.pick.randrange(10**8):08}"

    def _name(self, sex: Sex, born: int, surname: str) -> str:
        if not surname:
            dice = self.pick.random()
            surname = self.pick.choice(
                _TWO if dice < 0.004 else _COMMON if dice < 0.4 else _SURNAMES
            )
        return surname + self.pick.choice(_GIVEN[sex, "young" if born >= _YOUNG_FROM else "old"])

    def _number(self, prefixes: list[str], sex: Sex, born: int) -> str:
        first_day = dt.date(born, 1, 1)
        while True:
            prefix = prefixes[0] if self.pick.random() < 0.9 else self.pick.choice(prefixes)
            day = first_day + dt.timedelta(days=self.pick.randrange(365))
            order = self.pick.randrange(500) * 2 + (sex == Sex.MALE)
            body = f"{prefix}{day:%Y%m%d}{order:03}"
            number = body + id_check_character(body)
            if number not in self.numbers:
                self.numbers.add(number)
                return number


def misspelt(number: str) -> str:
    """The number with a wrong check character."""
    return number[:-1] + ("0" if number[-1] != "0" else "1")
