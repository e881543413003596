"""What people read of W3C documents, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.vault.w3c": "以 W3C 文档形式保存的凭证，其证明也可由其他软件核验。",
    "help.vault.w3c.claim": "领取明文形式的凭证，同时领取内容相同的 W3C 文档。",
    "help.vault.w3c.list": "列出文档，不显示取值。",
    "help.vault.w3c.derive": "向一个核验方出示文档的部分属性，并附证明。",
    "help.vault.w3c_document": "文档编号或其开头部分。",
    "help.vault.w3c_show": "要出示的属性；可多次给出。",
    "help.vault.w3c_to": "证明所针对的核验方。",
    "help.vault.w3c_nonce": "核验方的随机数，十六进制。",
    "help.vault.w3c_out": "写入文档的文件；不给出则直接显示。",
    "help.vault.w3c_yes": "不再询问，直接同意出示。",
    "help.verifier.w3c": "核验持有人出示的 W3C 文档。",
    "help.verifier.w3c.nonce": "生成随机数：交给一个持有人，只在此处用于一份文档。",
    "help.verifier.w3c.check": "核验 W3C 文档：证明、账本上的公钥、有效期。",
    "help.verifier.w3c_document": "文档所在的文件。",
    "help.verifier.w3c_nonce": "交给持有人的随机数。",
    "help.verifier.w3c_accept_unbound": "接受没有与任何人的凭证库绑定的文档。",
    "error.w3c_nonce_unknown": "该随机数不是在此目录生成的，或已被一份文档用掉。",
    "error.w3c_unbound": "文档没有绑定任何人：得到完整文档的人都能出示。只有加上 --accept-unbound 才会接受。",
    "vault.w3c_claimed": "同一凭证的 W3C 文档也已存入，并与本凭证库绑定：{id}",
    "vault.w3c_none": "凭证库中没有 W3C 文档。",
    "vault.w3c_shows": "将向 {verifier} 出示：",
    "vault.w3c_always": "并且总会出示：签发方、凭证种类、有效期至 {expiry}。",
    "vault.ask_w3c": "是否出示？",
    "vault.w3c_declined": "没有出示任何内容。",
    "vault.w3c_written": "文档已写入 {path}，仅对该核验方的这个随机数有效。",
    "verifier.w3c_holds": "文档有效：{name}，签署公钥 {key}。",
    "verifier.w3c_bound": "它与持有人的凭证库绑定。",
    "verifier.w3c_not_bound": "它没有绑定任何人：得到完整文档的人都能出示。",
}
