"""What administrators read, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.admin": "供管理员使用：管理员名册，以及须由两人完成的操作。",
    "help.admin.add": "凭本人所制密钥的摘要登记一名管理员。",
    "help.admin.rename": "更改管理员的显示名称。",
    "help.admin.secret": "制作密钥并显示其摘要；加 --replace 则更换本人的密钥。",
    "help.admin.remove": "永久终止一名管理员。",
    "help.admin.list": "列出管理员；加 --verify 则将全部操作与账本核对。",
    "help.admin.actions": "列出等待另一人决定的操作。",
    "help.admin.show": "显示一项操作及其将发送内容的每个字段。",
    "help.admin.approve": "批准另一人提出的操作，随即执行一次。",
    "help.admin.reject": "否决一项操作，或收回本人所提的操作。",
    "help.admin.name": "管理员标识：a-z、0-9 和连字符，例如 ann。",
    "help.admin.id": "操作编号，即 --propose 所显示的编号。",
    "help.admin.hash": "密钥的摘要，由 zk admin secret 显示；用于他人的密钥。",
    "help.admin.replace": "制作新密钥，取代此处原有密钥，原密钥失效。",
    "help.admin.verify": "读取整个账本，逐项逐步核对全部操作。",
    "help.admin.all": "也列出已决定或已过期的操作。",
    "help.admin.digest": "仅当摘要与 zk admin show 所显示的一致时才批准。",
    "help.admin.yes": "不再显示和询问；用于已查看过的操作，与 --digest 同用。",
    "help.option.propose": "提出操作：由另一人批准后才执行。",
    "admin.proposed": (
        "已提出，编号 {id}。请另一名管理员查看并在 {expires}（UTC）前决定：zk admin approve {id}。"
        "本命令的其余步骤，请在其完成后再次执行本命令。"
    ),
    "admin.secret_waits": (
        "新密钥存放在 {path}，等待批准。批准之前，原有密钥保留并继续有效；批准之后，各命令会自动改用新密钥。"
    ),
    "admin.state.proposed": "{id}：{method}，等待 {proposer} 以外的另一人决定",
    "admin.state.approved": "{id}：{method}，由 {proposer} 提出、{decider} 批准，正在执行",
    "admin.state.done": "{id}：{method}，由 {proposer} 提出、{decider} 批准，已完成",
    "admin.state.failed": "{id}：{method}，由 {proposer} 提出、{decider} 批准，执行失败：{reason}",
    "admin.state.rejected": "{id}：{method}，由 {proposer} 提出，被 {decider} 否决",
    "admin.state.expired": "{id}：{method}，由 {proposer} 提出，期限内无人决定",
    "admin.proposer": "{proposer} 于 {created}（UTC）提出；将发送的全部内容如下：",
    "admin.digest": "摘要：{digest}",
    "admin.ask_approve": "是否批准以上内容？（是、yes 或 y）",
    "admin.secret": "{administrator} 的密钥保存在 {path}，请勿示人。其摘要：{hash}",
    "admin.secret_set": "{administrator} 的密钥已更换。",
    "admin.removed": "{administrator} 已终止。",
    "admin.active": "{name}  {administrator}",
    "admin.ended": "{name}  {administrator}  （已终止）",
    "admin.none": "除持有 admin.token 的 root 外，没有其他管理员。",
    "admin.nothing_waits": "没有等待另一人决定的操作。",
    "admin.verified": "全部相符：{actions} 项操作，账本上 {records} 条记录。",
    "error.secret_exists": "{path} 中已有密钥。加 --replace 可换成新密钥。",
    "error.hash_missing": (
        "提出新管理员的人不得掌握其密钥：请本人自行生成（zk admin secret {name}），再用 --hash 给出摘要。"
    ),
    "error.hash_invalid": "摘要为 64 位十六进制数字，由制作密钥的命令显示。",
    "error.action_unreadable": "{id} 的请求中含有无法显示的内容。请勿批准：zk admin reject {id}",
    "error.action_mismatch": "{id} 的摘要与所给的不同，请查看：zk admin show {id}",
    "error.not_approved": "未批准，操作仍在等待。",
    "error.action_differs": "账本上关于 {id} 的记录与服务所述不一致。",
    "error.actions_missing": "账本上有 {count} 条管理记录不属于服务所显示的任何操作。",
}
