"""Names that are put together by chance."""

from typing import Final

from zk.synthetic.draws import Draw

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_FEMALE: Final = "岚婷静雅慧琳雪梅芳倩怡欣蕾莹萍瑶洁颖菲楠妍韵茜璐清宁悦晴云霞"
_MALE: Final = "远航伟强磊军勇杰涛明超辉鹏飞斌浩宇轩博文志刚建国华亮峰昊泽晨"
_BOTH: Final = "晓子思一佳嘉宏海新春秋永和安平"
_PLACES: Final = ("泉城", "历山", "明湖", "趵突", "千佛", "大观", "珍珠", "黑虎", "洪楼", "燕山")
_TRADES: Final = ("机械制造", "信息科技", "餐饮服务", "建筑工程", "商贸", "物流", "教育咨询", "生物医药")


def surname(draw: Draw) -> str:
    """Return a family name."""
    return draw.one(_SURNAMES)


def given(draw: Draw, *, male: bool) -> str:
    """Return a given name of one or two characters."""
    last = draw.one(_MALE if male else _FEMALE)
    return draw.one(_BOTH) + last if draw.chance(0.8) else last


def company(draw: Draw, index: int) -> str:
    """Return a company's name; the index tells those of one name apart."""
    return f"济南{draw.one(_PLACES)}{index}号{draw.one(_TRADES)}有限公司"
