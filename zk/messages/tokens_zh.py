"""What people read of tokens and certificates, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.tokens": "由密钥换取的短期令牌，以及签发它们的公钥。",
    "help.tokens.create": "用密钥换取令牌，有效期一刻钟。",
    "help.tokens.keys": "列出目前用于签发令牌的公钥。",
    "help.tokens.rotate": "改用新密钥签发令牌；需要运维方或管理员的密钥。",
    "help.tokens.replace": "为部门更换密钥；原密钥及其令牌随即失效。",
    "help.tokens.secret_file": "含密钥的文件；否则使用管理员的令牌。",
    "help.tokens.department": "其密钥保存在本目录中的部门。",
    "help.tokens.output": "写入令牌的文件，仅所有者可读。",
    "help.tokens.at_once": "立即终止原有密钥和全部令牌，用于密钥泄露时。",
    "help.tokens.replaced": "部门。",
    "help.option.client_certificate": "在要求证书的端口上出示的证书（PEM 文件）。",
    "help.option.client_key": "该证书的私钥（PEM 文件）。",
    "serve.certified": "出示客户端证书的地址：{address}",
    "tokens.written": "{name} 的令牌已写入 {path}，有效至 {ends}。",
    "tokens.none": "尚未签发过令牌，因此没有密钥。",
    "tokens.signs": "{kid}  自 {created} 起签发",
    "tokens.counts": "{kid}  有效至 {ends}",
    "tokens.made": "{name} 的令牌保存在 {path}，请勿示人。其摘要：{hash}",
    "tokens.replaced_by_hash": "{department} 已改用其自行制作的密钥。原密钥已失效。",
    "tokens.replaced": "{department} 已更换密钥，保存在 {path}。原密钥已失效。",
    "error.client_key_missing": "证书和私钥须同时给出：--client-certificate、--client-key。",
}
