"""What `zk doctor` tells of a server, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.doctor.metrics": "服务器的指标端口，例如 http://127.0.0.1:9464。",
    "help.doctor.data": "服务器的文件夹：检查其磁盘、数据库结构和证书。",
    "help.doctor.operator_token_file": "运维方令牌的文件：另查仅告知运维方的状态。",
    "doctor.name.status": "运维状态",
    "doctor.status": (
        "{version}；工作进程：{workers}，已替换 {restarts}；待入块 {pending} 条；"
        "限额（每秒/一次/并发）：匿名 {anonymous}，具名 {named}。"
    ),
    "doctor.name.readiness": "依赖",
    "doctor.name.metrics": "指标端口",
    "doctor.name.skew": "时钟差",
    "doctor.name.version": "版本",
    "doctor.name.disk": "磁盘",
    "doctor.name.schema": "数据库结构",
    "doctor.name.certificate_file": "证书文件",
    "doctor.readiness": "服务所依赖的都在：{names}。",
    "doctor.readiness_missing": "服务缺少：{missing}。",
    "doctor.readiness_unknown": "该服务不告知其依赖。",
    "doctor.readiness_unasked": "服务不答复其健康状况（{problem}）。",
    "doctor.metrics": "{url} 表示可以为来者服务。",
    "doctor.metrics_missing": "{url} 缺少：{missing}。",
    "doctor.metrics_silent": "{url} 的答复不像指标端口（{problem}）。",
    "doctor.skew": "服务器的时钟比本机快 {seconds} 秒。",
    "doctor.version": "服务器与本命令的版本为 {version}（{own}）。",
    "doctor.version_other": "服务器的版本为 {version}，本命令为 {own}。",
    "doctor.disk": "{folder} 尚余 {gigabytes} GB。",
    "doctor.folder_missing": "{folder} 不是可读的文件夹。",
    "doctor.schema": "数据库的结构与本程序一致：{schema}。",
    "doctor.schema_other": "数据库的结构为 {schema}，本程序为 {needed}。",
    "doctor.schema_none": "尚无数据库。",
    "doctor.schema_unread": "数据库无法读取（{problem}）。",
    "doctor.certificate_unread": "{path} 无法作为证书读取（{problem}）。",
}
