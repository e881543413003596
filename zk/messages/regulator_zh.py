"""监管方及其经办人所读的文字，中文。"""

from typing import Final

MESSAGES: Final = {
    "help.regulator": "监管方：两名经办人共同生成密钥、共同解开身份；查看不含个人的统计。",
    "help.regulator.share": "经办人的密钥份额。",
    "help.regulator.share.new": "生成一名经办人的密钥份额。",
    "help.regulator.combine-keys": "将两名经办人的公开份额合成监管方的密钥。",
    "help.regulator.register": "登记密钥，记入账本。",
    "help.regulator.list": "列出账本上的监管方。",
    "help.regulator.open": "由两名经办人解开一个托管的身份；每一步都先记入账本。",
    "help.regulator.open.part": "做出本经办人的一份，交给另一名经办人。",
    "help.regulator.open.combine": "将两名经办人的两份合并；不显示身份。",
    "help.regulator.open.record": "将解开记入账本，然后显示身份。",
    "help.regulator.check": "核验经办人所做的解开。",
    "help.regulator.id": "标识：小写字母、数字和连字符，例如 finance。",
    "help.regulator.as": "本经办人属于哪个监管方。",
    "help.regulator.share_file": "一名经办人的公开份额，由 `zk regulator share new` 生成。",
    "help.regulator.part_file": "一名经办人的一份，由 `zk regulator open part` 生成。",
    "help.regulator.record": "验证方保存的出示记录。",
    "help.regulator.request": "没有记录时：SignedRequest 消息的文件。",
    "help.regulator.presentation": "没有记录时：CompositePresentation 消息的文件。",
    "help.regulator.receipt": "没有记录时：回执文件。",
    "help.regulator.case": "因何案件解开，1 至 256 个字符。",
    "help.regulator.escrow": "托管项的标识，询问中有多项时指明。",
    "help.regulator.candidates": (
        "标识清单，标识如凭证中所载（id_commit 的值），每行一个，制表符后可附说明；用来查出是谁。"
    ),
    "help.regulator.output": "存于何处；默认在主目录。",
    "help.regulator.opening": "解开结果的文件。",
    "error.officer_share_missing": (
        "缺少 {path}：此处没有 {regulator} 经办人的份额。请生成：zk regulator share new {regulator}"
    ),
    "error.opening_unrecorded": (
        "两名经办人的两份均成立，但解开尚未记入账本，因此不予显示。请记入账本："
        "zk regulator open record 解开结果 记录；然后核对该命令写出的文件。"
    ),
    "error.parts_mismatch": "这不是同一案件、同一托管项中两名经办人的两份。",
    "error.regulator_key_exists": "{path} 已存在。可能已有身份托管给它，不予覆盖。",
    "error.regulator_key_invalid": "{path} 不是监管方的份额或密钥。",
    "error.regulator_key_missing": (
        "缺少 {path}。请合并两名经办人的份额：zk regulator combine-keys {regulator} 份额 份额"
    ),
    "error.regulator_none": "此处没有经办人的份额：zk regulator share new 标识",
    "error.shares_invalid": "这不是两名经办人的份额，或缺少各自持有秘密的证明。",
    "regulator.share_made": (
        "经办人的份额存于 {path}，请妥善保管；{public} 可公开，请交出。"
        "收齐两份之后：zk regulator combine-keys {regulator} 份额 份额"
    ),
    "regulator.combined": (
        "两名经办人的密钥存于 {path}，摘要 {digest}。请两人核对，然后登记："
        "zk regulator register {regulator} --name-zh 中文名 --name-en 英文名"
    ),
    "regulator.listed": "{name}  {regulator}  密钥 {digest}",
    "regulator.none": "尚未登记监管方。",
    "regulator.part_made": (
        "本经办人的一份记于账本第 {index} 条（从 0 起计）。请将 {path} 交给另一名经办人；"
        "两份合在一起才能解开身份。"
    ),
    "regulator.parts_combined": (
        "两名经办人的两份均成立，案件 {case}；存于 {path}，尚未记入账本。请记入账本并查看身份：{command}。"
        "能供核对的解开结果是该命令写出的文件。"
    ),
    "regulator.opened": "已由两名经办人解开，记于账本第 {index} 条（从 0 起计）；存于 {path}",
    "regulator.holds": "两名经办人的解开成立，案件 {case}。记于账本第 {index} 条（从 0 起计）。",
    "regulator.identity": "身份：{identity}",
    "regulator.is": "即：{identifier} {note}",
    "regulator.nobody": "不是清单中的任何一个。",
    "vault.opening_step": "事项",
    "vault.opening_part": "两名经办人之一已出具一份",
    "vault.opening_both": "两名经办人已解开",
    "help.regulator.token": "在此制作读取统计的令牌并显示其摘要。",
    "help.regulator.access": "发给监管方读取统计的令牌；之前的随即失效。",
    "help.regulator.view": "查看使用、拒绝和过度索取的统计并作图，其中不含任何个人。",
    "help.regulator.published": "查看某个已结束月份中可向公众公布的统计。",
    "help.regulator.from": "第一天，YYYY-MM-DD；默认为最后一天之前 30 天。",
    "help.regulator.to": "最后一天，YYYY-MM-DD；默认为今天。",
    "help.regulator.by": "按什么分列。",
    "help.regulator.only": "只看此名称的。",
    "help.regulator.token_file": "监管方令牌的文件；默认用主目录中的。",
    "help.regulator.csv": "同时写入此文件，供其他程序使用。",
    "help.regulator.plots": "将图表（SVG）画入此文件夹。",
    "help.regulator.month": "月份。",
    "error.date_invalid": "{given} 不是日期（YYYY-MM-DD）。",
    "error.regulator_token_unclear": "请用 --token-file 指明令牌；令牌由 zk regulator access 标识 发给。",
    "regulator.access_by_hash": "{regulator} 用其自行制作的令牌读取统计。",
    "regulator.access": "读取统计的令牌存于 {path}。",
    "regulator.view.days": "{first} 至 {last}",
    "regulator.view.none": "（无）",
    "regulator.view.nothing": "没有计数。",
    "regulator.view.written": "已写入：{path}",
    "regulator.view.least": "{month}，少于 {least} 次的不列出",
    "regulator.by.day": "日期",
    "regulator.by.verifier": "验证方",
    "regulator.by.policy": "政策",
    "regulator.by.department": "部门",
    "regulator.by.purpose": "用途",
    "regulator.kind.asked": "询问",
    "regulator.kind.answered": "已回答",
    "regulator.kind.declined": "已拒绝",
    "regulator.kind.expired": "未回答",
    "regulator.kind.over-asked": "过度索取",
    "regulator.kind.offered": "已发放",
    "regulator.kind.claimed": "已领取",
    "regulator.kind.revoked": "已撤销",
    "regulator.kind.opened": "已解开",
    "regulator.kind.submitted": "已提交",
    "regulator.kind.overdue": "逾期",
    "regulator.chart.time": "询问次数，按日期",
    "regulator.chart.purpose": "询问次数，按用途",
    "regulator.chart.refusals": "被拒绝或未获回答的询问，按验证方",
    "regulator.chart.over_asking": "因过度索取被驳回的询问，按验证方",
    "regulator.chart.department": "询问次数，按数据所属部门",
    "regulator.chart.overdue": "办事事项逾期次数，按窗口",
    "regulator.chart.axis": "次数",
    "regulator.chart.nothing": "这些日子里没有",
    "regulator.chart.others": "其余各方",
}
