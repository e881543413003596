"""What pushing records says, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.issuer.push": "推送文件中的记录：每条记录恰好一份凭证。",
    "help.issuer.connect": "推送本部门数据库中的记录。",
    "help.issuer.withdraw": "撤回已不存在的记录：其凭证被吊销。",
    "help.issuer.record": "本部门自己的记录编号。",
    "help.issuer.records": "记录文件，每行一条：.jsonl 或 .csv。",
    "help.issuer.resume": "继续这一文件中断的推送。",
    "help.issuer.complete": "文件包含该事项的全部记录：其余记录被撤回。",
    "help.issuer.renew": "对在这么多天内到期的凭证换发新证。",
    "help.issuer.connector": "连接器的 YAML 文件。",
    "help.issuer.every": "每隔这段时间再次运行，如 30m、1h、1d，直到 Ctrl-C。",
    "help.issuer.once": "只运行一次（默认）。",
    "help.issuer.full": "全部记录，而不只是上次以来的；已消失的记录被撤回。",
    "help.issuer.withdraw_many": "允许一次运行撤回数据库中已消失的任意数量的记录。",
    "push.label": "正在推送{name}",
    "push.broken": "推送中断；已完成的部分保持有效。同一命令加 --resume 即可继续。",
    "push.not_complete": "有 {count} 行连记录编号都无法读取，因此没有撤回任何记录。",
    "push.too_many_gone": (
        "数据库中缺少 {known} 条记录中的 {gone} 条；撤回这么多记录需要 --withdraw-many。没有撤回任何记录。"
    ),
    "push.done": (
        "{name}：共处理 {done} 条：新增 {issued}，未变 {unchanged}，变更 {replaced}，"
        "换发 {renewed}，撤回 {withdrawn}；被拒 {rejected}，不合格式 {misfit}。"
    ),
    "push.codes": "尚未领取的凭证，按记录查领取码：zk issuer record {item} 记录编号",
    "push.misfit": "第 {row} 行不符合事项定义：{reason} {field}",
    "push.rejected": "第 {place} 条记录被拒：{reason} {field}",
    "push.not_revocable": "有 {count} 份凭证无法吊销，到期前仍然有效。",
    "push.withdrawn": "已撤回 {count} 条记录。",
    "push.state.offered": "已发放，尚未领取：{offer}",
    "push.state.claimed": "已领取：{offer}",
    "push.state.expired": "逾期无人领取：{offer}",
    "error.push_not_here": "这里没有中断的 {schema} 推送。",
    "error.push_file_changed": "这一文件不是中断的 {schema} 推送所用的文件。不加 --resume 则开始新的推送。",
    "error.connector_invalid": "{path} 不是连接器文件：{place}：{problem}",
    "error.connector_unusable": "无法读取 {variable} 所指的数据库：{problem}",
    "error.every_invalid": "{every} 不是 30m、1h、1d 这样的时间。",
    "error.once_or_every": "--once 与 --every 只能选一个。",
}
