"""持有人在使用记录、恢复与持续授权中所读到的文字。"""

from typing import Final

MESSAGES: Final = {
    "help.vault.recovery": "显示恢复词；新手机凭它可重新得到凭证库的密钥。",
    "help.vault.recover": "凭恢复词重建凭证库，并从账本读回全部使用记录。",
    "help.vault.words_file": "首行为恢复词的文件；不给则询问。",
    "help.vault.decline": "拒绝一项询问：告知验证方，并记入您的使用记录。",
    "help.vault.attend": "答复持续授权所允许的询问，拒绝超出范围的。",
    "help.vault.once": "只查看一次，不持续到 Ctrl-C。",
    "help.vault.consents": "持续授权：谁可以重复询问您同样的内容。",
    "help.vault.consents.answer": "查看验证方想重复询问什么，同意或拒绝。",
    "help.vault.consents.list": "列出持续授权。",
    "help.vault.consents.withdraw": "立即撤回一项持续授权。",
    "help.vault.consent": "持续授权的编号，或其开头。",
    "help.vault.consent_link": "持续授权的链接；- 表示从标准输入读取。",
    "help.verifier.consents": "持续授权：重复询问同样的内容，不必每次征求同意。",
    "help.verifier.consents.ask": "按策略征求一项持续授权。",
    "help.verifier.consents.status": "持续授权是否已获同意，已用几次。",
    "help.verifier.consents.use": "按持续授权询问，核验答复并存档。",
    "help.verifier.consent": "征求持续授权时显示的编号。",
    "help.verifier.consent_times": "最多可用几次，1 至 1000。",
    "help.verifier.consent_every": "两次询问之间至少相隔几天。",
    "help.verifier.until": "可用的最后一天：YYYY-MM-DD。",
    "error.consent_not_here": "本目录没有持续授权 {consent}。",
    "verifier.consent_asked": "已征求持续授权 {id}；可在 {expires} 前同意。",
    "verifier.consent_used": "已用 {used} 次，共 {times} 次。",
    "verifier.consent.pending": "尚未答复。",
    "verifier.consent.granted": "已同意。",
    "verifier.consent.declined": "已拒绝。",
    "verifier.consent.withdrawn": "持有人已撤回。",
    "verifier.consent.expired": "已到期。",
    "vault.declined": "已拒绝。验证方只知道被拒绝，不知道您的任何资料。",
    "vault.ask_standing_consent": (
        "允许以后不再询问您而重复索取这些内容吗？允许请输入 是、yes 或 y；其他输入均为不同意："
    ),
    "vault.consent_terms": (
        "对方可在 {until} 前询问 {times} 次，每次至少相隔 {days} 天，届时不再询问您即予答复。您可随时撤回。"
    ),
    "vault.consent_granted": "已同意。如需终止：zk vault consents withdraw",
    "vault.consent_withdrawn": "已撤回。本凭证库不再据此作任何答复。",
    "vault.consent_waits": "尚未能告知服务：zk vault resume",
    "vault.consents_none": "没有持续授权。",
    "vault.consent_limits": "范围",
    "vault.consent_limit": "{times} 次，相隔 {days} 天，至 {until}",
    "vault.consent_used": "已答复",
    "vault.consent_state": "状态",
    "vault.grant.granted": "已同意",
    "vault.grant.withdrawn": "已撤回",
    "vault.grant.recovered": "属于旧手机或旧副本，此处不作答复",
    "vault.attended": "已答复 {answered} 次，未答复 {refused} 次。",
    "vault.attended_one": "{time}：已按持续授权答复 {verifier}",
    "vault.attended_not": "未答复：{reason}",
    "vault.words": "请抄下这 24 个词。新手机凭它们可找回您的全部使用记录：",
    "vault.words_keep": "请像保管凭证库一样保管它们：持有它们和凭证库文件副本的人，无需口令即可打开。",
    "vault.ask_words": "24 个恢复词",
    "vault.reading": "正在读取账本",
    "vault.recovered": (
        "已读取 {entries} 条，均与日志签名一致：其中您的使用 {uses} 次、其他事项 {events} 件，"
        "另有其附注的副本 {copies} 件。"
    ),
    "vault.recovered_limits": (
        "凭证不在账本上，需由部门重新签发；旧手机尚未发出的内容也不在其中。"
        "请接着查看：zk vault history；再向身份认定部门领取新注册码：zk vault register，"
        "然后领取补发的凭证：zk vault inbox --claim"
    ),
    "vault.found": "第 {index} 条，从账本找回",
    "vault.found_copy": "第 {index} 条：是第 {first} 条附注的副本，并非您的使用",
    "vault.event.account-registered": "已登记",
    "vault.event.declined": "您已拒绝",
    "vault.event.over-asked": "已拒绝：索取过多",
    "vault.event.consent-granted": "已同意持续授权",
    "vault.event.consent-declined": "已拒绝持续授权",
    "vault.event.consent-withdrawn": "已撤回持续授权",
    "vault.event.sent": "您已发送资料",
    "vault.event.received": "您收到资料",
    "vault.event.applied": "您已申请",
    "vault.event.appointed": "您已委托代理人",
    "vault.event.appointment-ended": "您已终止委托",
    "vault.event.errand-submitted": "已提交一件事",
}
