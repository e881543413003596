"""运营方读到的见证以及各城市账本互相照看的信息，中文。"""

from typing import Final

MESSAGES: Final = {
    "help.witness": "为其他运营方的日志联署。",
    "help.witness.init": "建立见证方的文件夹、密钥和存储。",
    "help.witness.retire": "废弃不再被任何策略引用的密钥，下次启动起生效。",
    "help.witness.rotate": "增加一个同名密钥；旧密钥在废弃前继续一同联署。",
    "help.witness.serve": "运行见证方（C2SP tlog-witness）。",
    "help.witness.show": "查看见证方对各日志的联署情况；见证方可在运行中。",
    "help.witness.data": "见证方的文件夹。",
    "help.witness.policy": "列出已知日志的策略文件（C2SP tlog-policy）；可多次给出。",
    "help.witness.name": "密钥名称，例如 witness.city.example。",
    "help.witness.ml_dsa": "在 Ed25519 之外使用 ML-DSA-44 密钥，用以抵御量子计算机。",
    "help.witness.key_id": "密钥标识，即验证密钥中两个加号之间的 8 位。",
    "help.witness.host": "监听地址。",
    "help.witness.port": "监听端口；0 表示由系统选择。",
    "help.witness.certificate": "证书链（PEM）；不给出则为明文 HTTP，适用于代理之后。",
    "help.witness.private_key": "证书的私钥（PEM）。",
    "error.witness_exists": "{path} 中已有见证方；`zk witness rotate` 可为其增加密钥。",
    "witness.made": "{path} 中的见证方有了新密钥。切勿用该文件夹的旧副本运行：旧副本不记得已联署的内容。"
    "文件夹丢失时，请另建见证方。",
    "witness.key": "验证密钥：{key}",
    "witness.retired": "见证方再次启动后，密钥 {key} 不再联署。",
    "witness.ready": "见证方正在 {address} 监听，共 {count} 个日志。",
    "witness.stopped": "见证方已结束。",
    "witness.row": "{origin}：大小 {size}，根 {root}，联署于 {time}；保留的被拒凭据：{refused}",
    "witness.row_none": "尚未联署任何日志。",
    "help.ledger.rotate-key": "让账本改用另一把密钥；该文件夹的服务须已停止。",
    "help.ledger.rotate_data": "服务的文件夹。",
    "help.ledger.rotate_finish": "结束两把密钥同时签名的阶段：此后只由新密钥签名。",
    "help.ledger.follow": "凭证明把固定的公钥换成接替它的公钥；FILE 为证明文件。",
    "help.ledger.key-proof": "把“某公钥接替已固定公钥”的证明写入文件。",
    "help.ledger.key_proof_file": "要写入的文件。",
    "ledger.rotation_begun": "账本的下一把公钥是 {new}。从下次启动起，它与 {old} 同时签名。",
    "ledger.rotation_begun_next": (
        "请启动服务，留出时间让各方运行 zk ledger trust --follow，然后停止服务并加 --finish 再运行本命令。"
    ),
    "ledger.rotation_finished": "公钥 {old} 已停用，其私钥已抹除。此后只由 {new} 签名。",
    "ledger.rotation_finished_next": "请启动服务。仍固定旧公钥的各方请运行 zk ledger trust --follow。",
    "ledger.followed": "账本已证明 {new} 接替 {old}。现已固定新公钥；旧公钥所签的内容仍然有效。",
    "ledger.nothing_to_follow": "没有别的公钥接替 {old}。",
    "ledger.key_proof": "{path} 证明 {new} 接替 {old}：zk ledger trust --follow {path}",
    "error.log_key_missing": "请指明公钥：KEY|FILE，或使用 --follow。",
    "error.log_key_not_followed": "服务没有以已固定公钥为起点的证明。未做任何操作。已固定：{key}",
    "error.rotation_refused": "未做任何操作（{reason}）：{detail}",
    "help.ledger.monitor": "监看其他运营方的日志；一旦有日志作弊，即发出警报并附证据。",
    "help.ledger.monitor_policy": "列出日志和见证方的策略文件（C2SP tlog-policy）；可多次给出。",
    "help.ledger.monitor_folder": "监视器的文件夹：所见内容、自身密钥，以及存放证据的 alarms/。",
    "help.ledger.monitor_witness": "用于比对的其他见证方的 URL；可多次给出。",
    "help.ledger.monitor_mirror": "某个日志的镜像的 URL；可多次给出。",
    "help.ledger.monitor_peer": "用于比对的其他监视器的 URL；可多次给出。",
    "help.ledger.monitor_name": "监视器密钥的名称，在生成密钥时采用。",
    "help.ledger.monitor_once": "只巡查一轮便结束。",
    "help.ledger.monitor_interval": "两轮之间的秒数。",
    "help.ledger.monitor_late": "日志展示其已签内容所允许的秒数。",
    "help.ledger.monitor_listen": "监听地址 HOST:PORT，供其他监视器比对和个人报告。",
    "help.ledger.monitor_root": "代替系统根证书的根证书（PEM）。",
    "help.ledger.evidence": "离线验证证据文件：指控何人、何事，是否已证明？",
    "help.ledger.evidence_file": "证据文件。",
    "help.ledger.evidence_policy": "您信任其中日志和见证方密钥的策略文件；可多次给出。",
    "help.ledger.report": "把回执中的检查点告诉监视器，回执的其他内容一概不发。",
    "help.ledger.report_receipt": "回执文件。",
    "help.ledger.report_to": "监视器的 URL。",
    "ledger.monitor_ready": "正在监看 {count} 个日志。监视器的密钥：{key}",
    "ledger.monitor_trouble": "{source} 出错：{detail}",
    "ledger.monitor_row": "{origin}：大小 {size}，根 {root}",
    "ledger.monitor_ended": "监视器已结束。警报数：{count}。",
    "ledger.alarm_file": "证据：{path}",
    "ledger.evidence_compare": (
        "该文件针对的是这些密钥。请与您已知的密钥核对：密钥中的名称由其持有者自行填写。"
    ),
    "ledger.evidence_stranger": "不在您的策略中的密钥：{key}",
    "ledger.reported": "{url} 的监视器已收到该回执的检查点。",
    "ledger.report_failed": "监视器未接收：{detail}",
    "ledger.accused": "被指控：{key}",
    "ledger.concerned": "涉及：{key}",
    "ledger.word_of": "陈述者：{key}",
    "ledger.grade.PROVEN": "已证明，日志 {origin}。只有被指控密钥的持有者才能造成此事。",
    "ledger.grade.STATED": "见证方的陈述，日志 {origin}。不足以认定任何一方有错：可能是网络故障。",
    "ledger.grade.OBSERVED": "监视器的观察，日志 {origin}。这只是监视器的说法，并非证明。",
    "ledger.fault.SAME_SIZE": (
        "签署了两棵大小同为 {first_size} 的树，根分别为 {first_root} 和 {second_root}。"
    ),
    "ledger.fault.OTHER_BEGINNING": (
        "签署了大小为 {first_size}、根为 {first_root} 的树，又签署了大小为 {second_size}"
        "（根 {second_root}）的树，而后者前 {first_size}"
        " 条的根是 {beginning}。"
    ),
    "ledger.fault.TIMES_REVERSED": (
        "大小为 {second_size} 的树于 {second_time} 联署，而更晚的 {first_time} "
        "又把较小的、大小为 {first_size} 的树作为最新联署。"
    ),
    "ledger.fault.EMPTY_TREE": "签署了大小为 {size}、根为 {root} 的树，而这不是空树的根。",
    "ledger.fault.ENTRY_UNKNOWN": "大小为 {size} 的已签树中，第 {index} 条不是账本应有的任何一种条目。",
    "ledger.fault.END_WITHOUT_HEADER": "大小为 {size} 的已签树末尾没有区块头（第 {index} 条）。",
    "ledger.fault.HEADER_MISPLACED": "大小为 {size} 的已签树中，第 {index} 条是属于别处的区块头。",
    "ledger.fault.HEADER_WITHIN_BLOCK": (
        "大小为 {size} 的已签树中，以第 {index} 条为头的区块内含有另一个区块头。"
    ),
    "ledger.fault.HEADER_UNLINKED": "大小为 {size} 的已签树中，第 {index} 条区块头没有接续前一个区块头。",
    "ledger.fault.HEADER_ROOT": "大小为 {size} 的已签树中，第 {index} 条区块头所写的根不是该树在该处的根。",
    "ledger.fault.NOT_COVERED": (
        "区块 {height}（第 {index} 条）的时间是 {time}；{seconds} 秒之后，仍有 "
        "{witnesses} 个见证方联署不含它的大小 {first_size}。"
    ),
    "ledger.seen.BEHIND": "{time}，{source}：日志展示的内容少于它已签署的：{detail}",
    "ledger.seen.UNCOVERED": "{time}，{source}：日志没有展示它已签署的树：{detail}",
    "ledger.seen.LATE": "{time}，{source}：区块迟到：{detail}",
    "ledger.seen.SILENT": "{time}，{source}：过久没有应答：{detail}",
    "ledger.seen.MISSING": "{time}，{source}：日志缺少应提供的内容：{detail}",
    "ledger.seen.MISMATCH": "{time}，{source}：日志提供的条目与其签署的不符：{detail}",
    "ledger.seen.NOTE_WRONG": "{time}，{source}：条目旁的附注有误：{detail}",
    "ledger.seen.UNPROVEN_SPLIT": "{time}，{source}：两棵已签的树互相矛盾，但无法证明：{detail}",
    "error.listen_address": "{address} 不是监听地址；请写作 HOST:PORT。",
    "reason.EVIDENCE_MALFORMED": "该文件不是证据文件。",
    "reason.EVIDENCE_INVALID": "该文件什么也没有证明：其中一切诚实者也可能签署。",
    "reason.KEYS_UNRELATED": "两棵树由不同密钥签署；请给出说明二者同属该日志的策略。",
    "reason.OBSERVATION_MALFORMED": "该签名文本不是监视器的观察。",
}
