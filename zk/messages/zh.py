"""命令所说的话，中文。 What the commands say, in Chinese."""

from typing import Final

MESSAGES: Final = {
    # errors
    "error.department_not_here": "此处没有 {department} 的令牌。请在此登记该部门，或用 --home 指明其目录。",
    "error.department_none": "此处尚未登记部门：zk issuer register 部门，或用 --department 指明。",
    "error.department_unclear": "请用 --department 指明部门。此处有：{here}",
    "error.admin_token_missing": "需要管理员令牌：--admin-token-file 文件，或 ZK_ADMIN_TOKEN。",
    "error.bank_failed": "银行的程序以 {code} 结束。",
    "error.branch_unclear": (
        "该询问有多种答复方式，或无法按第一种答复。请用 --branch 指明：{branches}。按靠后的方式答复，对方可"
        "能推测您无法按靠前的方式答复。"
    ),
    "error.output_in_use": "{path} 中不是演示的输出；请用 --output 指明另一个目录。",
    "error.entries_with_gaps": "服务漏掉了第 {index} 条。",
    "error.export_damaged": "{path} 已损坏。请删除后重新导出。",
    "error.escrow_none": "此记录中没有密封的身份。",
    "error.escrow_unclear": "请用 --escrow 指明哪一项密封的身份。此处有：{here}",
    "error.evidence_unclear": "请给出一份记录，或同时给出 --request、--presentation 和 --receipt。",
    "error.evidence_unreadable": "文件不是 SignedRequest 和 CompositePresentation 消息。",
    "error.file_unreadable": "无法读取 {path}。",
    "error.file_too_large": "{path} 超过了本命令可读取的文件大小。",
    "error.handle_unreadable": "{handle} 不是吊销标号：应为 64 位小写十六进制数字。",
    "error.identify": "{schema} 是复合形式：请说明归谁所有，用 --person 或 --requires 之一。",
    "error.identify_plain": "{schema} 是普通形式，不接受 --person 和 --requires。",
    "error.index_unknown": "没有这一条；账本共有 {size} 条，序号从 0 起。",
    "error.interrupted": "已中断。",
    "error.items_none": "没有数据项 {item}，这里尚未登记任何数据项",
    "error.item_not_offered": "此处没有部门提供 {item}",
    "error.item_unknown": "没有数据项 {item}。已有：{known}",
    "error.item_unknown_near": "没有数据项 {item}。您是否想写 {near}？",
    "error.ledger_changed": "{path} 不是签名时的账本。{detail}",
    "error.ledger_of_another_log": (
        "{path} 由另一本账的公钥签名，不是 {key}。如已从其运营方取得该账的公钥，请指明：--key 文件"
    ),
    "error.link_incomplete": "链接不完整。请复制整个链接并加上引号：'zk://...'；否则会在 & 处被截断。",
    "error.link_other": (
        "链接已损坏，或属于另一条命令：zk vault claim 用 zk://offer?...，zk vault present 用 zk://present?..."
    ),
    "error.log_key_changed": (
        "警告：账本的公钥与已固定的不同！未做任何操作。可能有人向您展示另一本账。"
        "若账本更换了密钥，zk ledger trust --follow 可凭证明更换固定的公钥。已固定：{pinned}  "
        "现在：{other}"
    ),
    "error.log_key_malformed": "{path} 既不是账本公钥，也不是含有公钥的文件。",
    "error.log_key_unknown": (
        "尚未固定账本公钥。请向运营方索取，然后：zk ledger trust 文件 --server 主机:端口 --root 根证书.pem"
    ),
    "error.log_shrank": "账本原有 {before} 条，现在只有 {now} 条。账本不允许变短。",
    "error.names_missing": "目录中没有 {name}：请给出 --name-zh 和 --name-en。",
    "error.no_server_configured": "此处从未指明服务：zk ledger trust 公钥 --server 主机:端口 --root 文件",
    "error.no_codes": "{attribute} 不是代码类属性。",
    "error.not_revocable": "{offer} 领取时部门尚无累加器，无法吊销。",
    "error.nobody_to_ask": "此处无人可问。脚本可用 --yes 表示同意。",
    "error.not_started": "服务无法启动：{detail}",
    "error.not_trusted": "您没有同意，未信任该监管方。",
    "error.offer_unclaimed": "{offer} 尚未领取，没有可吊销的凭证。",
    "error.opening_invalid": "{path} 不是解开结果。",
    "error.passphrase_differs": "每次两遍口令都不一致。未做任何操作。",
    "error.passphrase_missing": "需要口令：--passphrase-file 文件，或 {variable}。",
    "error.profile_damaged": "{path} 已损坏。请删除后重新固定账本公钥。",
    "error.record_exists": "{path} 已存在，不覆盖任何记录。请另指明文件。",
    "error.answers_missing": "规则要计入其他答复中的数：请加上 {options}",
    "error.answer_unclear": "答复写作 名称=记录文件，每个名称一次：{given}",
    "error.answer_plain": "{path} 是普通形式的记录，没有承诺任何数额。",
    "error.record_plain": "此记录中没有密封的身份：{path} 是普通形式。",
    "error.regulator_unclear": "请用 --as 指明由谁解开。此处有：{here}",
    "error.regulator_untrusted": "凭证库并未信任 {name}。",
    "error.revoke_what": "请说明吊销什么：吊销标号，或 --offer。",
    "error.schema_unregistered": "尚未登记数据模式 {item}。请登记：zk issuer schema {item}",
    "error.secret_unreadable": "{path} 中没有密值：应为 64 位十六进制数字。",
    "error.server_invalid": "{server} 不是 主机:端口。",
    "error.setting_invalid": "设置 {name} 无效：{detail}",
    "error.source_tree": "缺少 {path}：演示须在项目的克隆目录中运行。",
    "error.system": "{path}：{problem}",
    "error.timed_out": "{server} 的服务未能及时答复。",
    "error.token_exists": "{path} 已有令牌。用 --replace 覆盖。",
    "error.unexpected": "发生了意料之外的错误（{kind}）。ZK_DEBUG=1 显示位置。",
    "error.unreachable": "无法连接 {server} 的服务。",
    "error.untrusted": (
        "{server} 的服务有应答，但其证书与名称不符，或并非由已知根证书签发。"
        "请用 --root 文件 指明运营方的根证书。"
    ),
    "error.usage": "命令写法不正确：{detail}",
    "error.value_code": "{id}（{name}）只能是：{codes}",
    "error.value_code_of_many": (
        "{id}（{name}）须是 {system} 的 {count} 个代码之一，全部代码见该数据模式的文件；前几个是：{codes}"
    ),
    "error.value_form": "{id}（{name}）的写法如 {form}",
    "error.value_unreadable": "取值写作 名称=值，每个名称一次：{name}",
    "error.values_file_invalid": "{path} 不是 名称: 值 的列表。",
    "error.verifier_key_missing": (
        "缺少 {path}：此处没有 {verifier} 的密钥。请生成并登记：zk verifier register {verifier}"
    ),
    "error.verifier_none": "此处尚未登记验证方：zk verifier register 标识",
    "error.verifier_unclear": "请用 --as 指明由谁询问。此处有：{here}",
    "option.help": "显示此说明后结束。",
    # serve
    "serve.ready": "服务已就绪：{address}。按 Ctrl-C 结束。",
    "serve.http": "账本通过 HTTP 在端口 {port} 提供。",
    "serve.log_key": "账本公钥：{key}",
    "serve.files": (
        "{data} 中有：ca.pem（根证书）、log.vkey（账本公钥）、admin.token（管理员令牌，请保密）。"
    ),
    "serve.ending": "服务正在结束，先完成进行中的调用。",
    "keyed.ready": "{department} 的核验服务已就绪：{address}，曲线 {curve}。按 Ctrl-C 结束。",
    "keyed.keys": "其密钥摘要，窗口与持有人须固定：{keys}",
    "keyed.stopped": "核验服务已结束。",
    "keyed.admitted": "{counter} 可以查询；令牌在 {path}。",
    "keyed.dismissed": "{counter} 不能再查询；已作废令牌 {count} 个。",
    "error.keyed_missing": "此处未安装带密钥验证所需的 petlib：请运行 scripts/keyed.sh。",
    "serve.stopped": "服务已结束，数据完好。",
    # issuer
    "issuer.registered_by_hash": "{name} 已登记为 {department}，令牌由其自行制作。",
    "issuer.registered": "{name} 已登记为 {department}。令牌：{path}",
    "issuer.schema": "{name} 已登记为 {schema}：{count} 个属性，摘要 {digest}",
    "issuer.key": "签发密钥 {key}（{suite}）。公钥已记入账本。",
    "issuer.accumulator": "累加器 {accumulator}（{suite}）。公钥已记入账本。",
    "issuer.digits": "{department} 的数表已公布为 {table}，并已记入账本。",
    "issuer.codes": "{system} 的 {count} 个代码已公布为 {table}，并已记入账本。",
    "issuer.codes_digest": "只认这份清单的策略按其内容引用：digest: {digest}",
    "issuer.revoked_before": "{offer} 此前已吊销（第 {epoch} 期），未做任何改动。",
    "issuer.revoked": "已吊销 {count} 个凭证：第 {epoch} 期已记入账本。",
    "issuer.offer": "{name} 已签名，等待持有人在 {expires} 之前领取。",
    "issuer.offer_composite": (
        "{name} 等待持有人在 {expires} 之前领取；待凭证库提交其秘密的承诺后签名。"
        "日后如需吊销：zk issuer revoke --offer {offer} --department {department}"
    ),
    "issuer.secret_kept": (
        "{attribute} 的新密值存于 {path}；再签发涉及同一对象的凭证时请写 {attribute}=@{path}"
    ),
    "issuer.offer_secret": "链接只交给持有人：谁有链接谁就能领取。",
    "issuer.none": "尚无登记。",
    # vault
    "vault.passphrase": "口令",
    "vault.passphrase_again": "再输一次",
    "vault.passphrase_differs": "两次输入不一致。",
    "vault.new_passphrase": "新口令",
    "vault.created": "凭证库已建立：{path}",
    "vault.passphrase_changed": "口令已更改。",
    "vault.claimed": "{name} 已存入凭证库。签发方 {department}，有效期至 {expiry}。",
    "vault.empty": "凭证库中没有凭证。",
    "vault.id": "编号",
    "vault.name": "凭证",
    "vault.issuer": "签发方",
    "vault.expiry": "有效期至",
    "vault.revocation": "吊销",
    "vault.not_followed": "不跟踪",
    "vault.known_until": "{time} 时未吊销",
    "vault.revoked": "已吊销，{time} 得知",
    "vault.shown_title": "{name}（{id}）",
    "vault.choose": "出示哪一份？有多份符合：{names}。用 --use 编号 选择。",
    "vault.missing": "缺少 {name}，由 {department} 签发。",
    "vault.consent_service": "传递答复的服务在核验时也会看到所出示的内容。",
    "vault.ask_consent": "同意出示吗？同意请输入 是、yes 或 y；其他输入均为不同意：",
    "vault.ask_branch": (
        "按哪一种方式答复：{branches}？按靠后的方式答复，对方可能推测您无法按靠前的方式答复。请输入名称："
    ),
    "vault.ask_claim": "为领取而出示以上内容吗？同意请输入 是、yes 或 y；其他输入均为不同意：",
    "vault.ask_handover": "告诉对方吗？输入 yes、y 或 是 表示同意，其他一律视为拒绝：",
    "vault.handover_key": "请直接从您的设备交给对方的设备：zk vault hand-over USE --to KEY",
    "vault.handed_over": "请交给对方，只有对方能读：zk vault take-over NUMBER",
    "vault.taken_over": "数额已收进凭证库。在 {expires} 之前可以用它答复“{purpose}”。",
    "vault.presented": "已出示并通过验证。回执是账本第 {index} 条（从 0 起计）；账本共 {size} 条。",
    "vault.history_none": "尚未出示过。",
    "vault.history_time": "时间",
    "vault.history_verifier": "对象",
    "vault.history_purpose": "用途",
    "vault.history_shown": "内容",
    "vault.history_state": "回执",
    "vault.history_proven": "证明 {count} 项",
    "vault.history_escrowed": "托管 {count} 项",
    "vault.receipt_holds": "第 {index} 条，已核验",
    "vault.receipt_fails": "不成立：{reason}",
    "vault.refused": "被拒绝：{reason}",
    "vault.shown_for_claim": "无：领取时出示",
    "vault.sent": "已发送，未收到答复：zk vault resume",
    "vault.resumed": "{answered} 件已答复，{refused} 件被拒绝，{open} 件仍未完成。",
    "vault.trusts": "{name}  {regulator}  密钥 {digest}",
    "vault.trusts_nobody": "未信任任何监管方，不会托管身份。",
    "vault.ask_trust": (
        "允许把您的身份托管给这把两名经办人的密钥吗？两人合在一起能解开，一人不能，其他人也不能。"
        "守规矩的经办人先把自己的一份记上账本，再交给另一人；两人都不守规矩，就能不为人知地解开。"
        "请与监管方公布的密钥核对。同意请输入 是、yes 或 y："
    ),
    "vault.updating": "正在跟进",
    "vault.nothing_to_follow": "此处没有可被吊销的凭证。",
    "vault.update_none": "{name}（{id}）：该部门不做吊销。",
    "vault.update_known": "{name}（{id}）：{time} 时未吊销。",
    "vault.update_revoked": "{name}（{id}）：已吊销，{time} 得知。",
    "vault.following": "正在跟进。按 Ctrl-C 结束。",
    "vault.follow_failed": "稍后重试：{problem}",
    "vault.follow_ended": "已结束，进度已存入凭证库。",
    "vault.no_openings": "账本上没有解开您身份的记录。",
    "vault.openings_seen": "已查看整本账本：共 {size} 条，此前见过的都在。",
    "vault.openings_until": "最后一块记于{time}；此后的解开还不在其中。",
    "vault.opening_time": "出示时间",
    "vault.opening_regulator": "解开者",
    "vault.opening_entry": "条目",
    # verifier
    "verifier.registered": "{name} 已登记为 {verifier}。密钥：{path}",
    "verifier.asked": "已询问：{purpose}。可在 {expires} 之前答复。",
    "verifier.waiting": "等待答复。",
    "verifier.answered": "已答复。所有证明和回执均成立。",
    "verifier.credential": "{name}，由 {department} 签名",
    "verifier.branch": "按“{branch}”答复：所问各项均已证明。",
    "verifier.pseudonym": "  假名 {id}：{pseudonym}",
    "verifier.escrow": "  托管 {id}：{of}，监管方的两名经办人合在一起能解开",
    "verifier.policy_holds": "规则 {policy} 可以询问和答复。",
    "verifier.scope_waits": "已签署。请把文件交给：{members}",
    "verifier.scope_whole": "所有成员均已签署，规则可以引用它。",
    "verifier.expiry": "有效期至",
    "verifier.receipt": "回执是账本第 {index} 条（从 0 起计）；账本共 {size} 条。",
    "verifier.kept": "已存于 {path}，可随时复核：zk verifier check {path}",
    "verifier.holds": "记录成立。{verifier} 询问，{time} 验证。",
    # ledger
    "ledger.pinned": "已固定于 {home}：{key}",
    "ledger.not_pinned": "注意：尚未固定账本公钥，只能相信服务自己给出的 {key}",
    "ledger.key_of_file": "注意：账本公钥取自文件本身，请与运营方公布的核对。",
    "ledger.checkpoint": "{origin}：{size} 条，根 {root}。签名成立。",
    "ledger.consistent": "它包含此前见过的 {size} 条，未被改动。",
    "ledger.exporting": "导出",
    "ledger.verifying": "重新计算",
    "ledger.exported": "{path}：{octets} 字节，已核验。",
    "ledger.verified": "{path} 成立：每个散列、每个区块和签名。",
    "ledger.counts": "共 {size} 条：{receipts} 条回执，{records} 条记录，{blocks} 个区块。",
    "ledger.root": "根：{root}",
    "ledger.key": "账本公钥：{key}",
    "ledger.entry": "第 {index} 条（从 0 起计）；账本共 {size} 条。位置已证明。",
    "ledger.place_entry": "位于第 {line} 行，第 {first} 条（从 0 起计）。",
    "ledger.place_line": "位于第 {line} 行。",
    "ledger.place_entries": "位于第 {line} 行，第 {first} 至 {last} 条（从 0 起计）。",
    # doctor
    "doctor.ok": "正常",
    "doctor.warn": "注意",
    "doctor.fail": "故障",
    "doctor.row": "{name}：",
    "doctor.name.python": "Python",
    "doctor.name.group": "运算",
    "doctor.name.libraries": "程序库",
    "doctor.name.files": "文件",
    "doctor.name.server": "服务",
    "doctor.name.certificate": "证书",
    "doctor.name.clock": "时钟",
    "doctor.name.log_key": "账本公钥",
    "doctor.python": "{version}",
    "doctor.group": (
        "正在使用 {group}，处理秘密时为恒定时间。"
        "一次证明相当于 {proof_ratio} 次双线性对校验（{proof_ms} 毫秒），"
        "一次验证相当于 {verify_ratio} 次（{verify_ms} 毫秒）；一次双线性对校验 {pairing_check_ms} 毫秒。"
        "另已安装：{others}。"
    ),
    "doctor.group_not_constant_time": (
        "正在使用 {group}，它不是恒定时间的：只供试用，勿用于真实密钥。一次证明相当于 {proof_ratio} 次"
        "双线性对校验（{proof_ms} 毫秒），一次验证相当于 {verify_ratio} 次（{verify_ms} 毫秒）；"
        "一次双线性对校验 {pairing_check_ms} 毫秒。另已安装：{others}。"
    ),
    "doctor.home_missing": "{home} 尚不存在。",
    "doctor.files_open": "他人可读：{files}。请对该目录运行 chmod -R go=。",
    "doctor.files_closed": "只有您能读取 {home}。",
    "doctor.server": "{server} 有答复；账本共 {size} 条。",
    "doctor.certificate": "有效期至：{expires}，还有 {days} 天。",
    "doctor.certificate_not_taken": (
        "有效期至：{expires}，还有 {days} 天。服务器文件中的新证书未被采用，原因见其日志。"
    ),
    "doctor.certificate_refused": "证书验证不通过（{problem}）。",
    "doctor.clock": "不落后于最新区块：{block_time}。",
    "doctor.clock_behind": "本机时钟比最新区块慢 {seconds} 秒。",
    "doctor.clock_unknown": "账本还没有区块可供比较。",
    "doctor.log_key": "已固定：{key}",
    "doctor.log_key_missing": "尚未固定：zk ledger trust 文件",
}
