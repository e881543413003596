"""运营方读到的见证以及各城市账本互相照看的信息，中文。"""

from typing import Final

MESSAGES: Final = {
    "help.witness": "为其他运营方的日志联署。",
    "help.witness.init": "建立见证方的文件夹和密钥；再次运行则增加一个密钥。",
    "help.witness.retire": "废弃不再被任何策略引用的密钥。",
    "help.witness.serve": "运行见证方（C2SP tlog-witness）。",
    "help.witness.show": "查看已停止的见证方对各日志的联署情况。",
    "help.witness.data": "见证方的文件夹。",
    "help.witness.policy": "列出已知日志的策略文件（C2SP tlog-policy）；可多次给出。",
    "help.witness.name": "密钥名称，例如 witness.city.example。",
    "help.witness.key_id": "密钥标识，即验证密钥中两个加号之间的 8 位。",
    "help.witness.host": "监听地址。",
    "help.witness.port": "监听端口；0 表示由系统选择。",
    "help.witness.certificate": "证书链（PEM）；不给出则为明文 HTTP，适用于代理之后。",
    "help.witness.private_key": "证书的私钥（PEM）。",
    "witness.made": "{path} 中的见证方有了新密钥。请像备份密钥一样备份该文件夹。",
    "witness.key": "验证密钥：{key}",
    "witness.retired": "密钥 {key} 不再联署。",
    "witness.ready": "见证方正在 {address} 监听，共 {count} 个日志。",
    "witness.stopped": "见证方已结束。",
    "witness.row": "{origin}：大小 {size}，根 {root}，联署于 {time}；拒绝 {refused}",
    "witness.row_none": "{origin}：尚未联署；拒绝 {refused}",
}
