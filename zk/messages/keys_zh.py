"""What operators read of the master key and its keyring, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.keys": "主密钥：如何保存、轮换、备份。",
    "help.keys.status": "显示主密钥如何保存，以及每一代封装了多少内容。",
    "help.keys.wrap": "用设置中的密钥提供者封装明文存放的主密钥。",
    "help.keys.rewrap": "改用另一个密钥提供者封装密钥环。",
    "help.keys.rewrap_file": "TOML 文件，写有新提供者的 key_ 设置。",
    "help.keys.rotate": "换用另一把主密钥、日志密钥或签发密钥。",
    "help.keys.rotate_what": "哪一把：master（服务可继续运行）、log、issuer。",
    "help.keys.wait": "等待各服务接手的秒数。",
    "help.keys.reseal": "把旧一代封装的内容重新封装，并停用旧一代。",
    "help.keys.settle": "停用旧一代之前等待的秒数。",
    "help.keys.backup": "备份密钥环（保持封装）。",
    "help.keys.backup_folder": "存放备份的新文件夹。",
    "help.keys.restore": "把密钥环的备份放回没有密钥环的文件夹。",
    "help.keys.restore_folder": "备份所在的文件夹。",
    "help.keys.drill": "把两份备份恢复到临时位置并打开全部内容。",
    "help.keys.drill_database": "zk ledger backup 写出的文件夹。",
    "help.keys.drill_keyring": "zk keys backup 写出的文件夹。",
    "help.keys.drill_url": "空的 PostgreSQL 数据库，用后清空；仅用于其备份。",
    "help.keys.protect": "用密钥环加密服务证书的私钥。",
    "help.keys.protect_file": "PEM 格式的私钥文件：将被覆盖。",
    "keys.plain": "主密钥明文存放在 keys/master.key（提供者：{provider}）。",
    "keys.provider": "主密钥已封装（提供者：{provider}）。",
    "keys.generation": "第 {number} 代：{state}；封装了 {values} 项",
    "keys.server": "服务 {server}：可打开至第 {known} 代，以第 {sealing} 代封装",
    "keys.wrapped": (
        "主密钥已封装（提供者：{provider}），存于 keys/keyring.json，共 {count} 代；明文文件已删除。"
    ),
    "keys.rewrapped": (
        "密钥环已改由另一提供者（{provider}）封装，共 {count} 代。"
        "请立即把其设置写入 zk.toml，并逐一重启各服务。"
    ),
    "keys.rotated": "从现在起由主密钥第 {number} 代封装。下一步：zk keys reseal。",
    "keys.waiting": "正在等待 {servers}",
    "keys.resealing": "正在重新封装",
    "keys.resealed": "已重新封装 {values} 项；第 {number} 代已停用。",
    "keys.nothing_former": "没有旧一代：未作任何更改。",
    "keys.backed_up": "密钥环已备份到 {folder}，共 {count} 代。",
    "keys.backup_without": "只有提供者（{provider}）的密钥才能打开它，该密钥不在备份中：请另行保存。",
    "keys.restored": "{data} 已恢复 {made} 的密钥环。",
    "keys.opening": "正在打开封装的内容",
    "keys.drilled": "已打开 {values} 项封装的内容；日志 {origin} 有 {size} 条，完好。",
    "keys.drilled_keys": (
        "日志的 {log_keys} 把密钥重新签名成功，{issuer_keys} 把签发密钥相符。演练未留下任何内容。"
    ),
    "keys.protected": "{file} 中的私钥已用密钥环加密。存放在别处的副本不受影响。",
    "keys.protected_already": "{file} 中的私钥此前已用密钥环加密。",
    "error.keys_private": "{path} 无法写入，或不含 PEM 格式的私钥",
    "error.keys_settings": "{path} 必须是 TOML 文件，写有 key_provider 及相关的 key_ 设置，别无其他",
    "reason.PROVIDER_MISSING": "未设置密钥提供者",
    "reason.PROVIDER_UNUSABLE": "密钥提供者无法使用",
    "reason.PROVIDER_FAILED": "密钥提供者出错",
    "reason.KEY_WRONG": "密钥提供者的密钥不对",
    "reason.KEYRING_MISSING": "没有密钥环",
    "reason.KEYRING_MALFORMED": "这不是可读的密钥环",
    "reason.KEYRING_CHANGED": "密钥环被改动",
    "reason.KEYRING_OTHER": "这是另一个密钥环",
    "reason.KEYRING_BEHIND": "密钥环缺少某一代",
    "reason.KEYRING_EXISTS": "已有主密钥",
    "reason.KEYRING_BUSY": "另一进程正在更改密钥环",
    "reason.ROTATION_UNDER_WAY": "轮换正在进行",
    "reason.SERVERS_BEHIND": "有服务尚未接手新一代",
    "reason.SEALED_BROKEN": "有封装的内容无法打开",
}
