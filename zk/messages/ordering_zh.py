"""What operators read of the consortium's order, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.consortium": "各市共有事项的统一次序（CometBFT）。",
    "help.consortium.up": "在本机试运行一个联盟。",
    "help.consortium.status": "查看节点：最新区块、成员、各账本已定序的检查点。",
    "help.consortium.data": "试运行的文件夹；其中已有的将再次启动。",
    "help.consortium.nodes": "新建试运行的城市数。",
    "help.consortium.port": "新建试运行的最小端口；每个节点由此起占用两个。",
    "help.consortium.engine": "引擎程序；缺省为 PATH 中的 cometbft，或 scripts/cometbft.sh 所建的。",
    "help.consortium.node": "节点的查询地址，例如 http://127.0.0.1:26809。",
    "consortium.ready": "{count} 个节点已运行，位于 {path}。按 Ctrl-C 结束。",
    "consortium.node": "{city}  {url}",
    "consortium.stopped": "全部节点已结束。",
    "consortium.block": "链 {chain}，区块 {height}，状态 {app_hash}。",
    "consortium.operators": "成员：{names}",
    "consortium.log": "{origin}  大小 {size}，于区块 {height} 定序",
    "error.engine_missing": "缺少共识引擎：用 scripts/cometbft.sh 构建，或以 --engine 指定。",
    "help.consortium.header": "把本方节点的区块头写入文件，供他人信任。",
    "help.consortium.header_file": "要写的文件。",
    "help.consortium.height": "区块高度；缺省为最新。",
    "help.consortium.trust": "信任联盟的一个区块头，或前进到由其得出的最新区块头。",
    "help.consortium.trust_file": "由可信一方给出的区块头；缺省则取由已信任者得出的最新区块头。",
    "help.consortium.operator": "以哪个城市的名义登记。",
    "help.consortium.operator_key": "其交易密钥文件（节点的 operator.key）。",
    "help.consortium.order": "取得证明收据或记录已在联盟次序之中的材料。",
    "help.consortium.order_file": "收据（zk vault receipt）或记录。",
    "help.consortium.order_to": "写到何处；缺省为原文件旁。",
    "help.consortium.wait": "至多等待的秒数，直到其树已定序。",
    "help.ledger.receipt_trusted": "所依据的联盟区块头（zk consortium header）；缺省为已信任者。",
    "help.verifier.ordered": "要求已证明在联盟次序之中；否则退出码 10。",
    "consortium.header": "链 {chain}，区块 {height}，区块头 {hash}。",
    "consortium.trusted_until": "信任至 {until}。",
    "consortium.ordered": "已定序：其树在链 {chain} 区块 {height}（{time}）的区块头之下。",
    "consortium.not_ordered": "其树尚未进入联盟次序。",
    "consortium.order_written": "已写入：{path}",
    "error.consortium_unknown": "此处尚未信任联盟的区块头：zk consortium trust FILE。",
    "error.consortium_node_missing": "请用 --node 指定要询问的节点。",
    "error.consortium_operator_missing": (
        "登记须以某城市的名义：zk consortium trust --operator NAME --operator-key FILE。"
    ),
    "error.consortium_node": "联盟节点未能完成所请求的：{detail}。",
    "error.consortium_refused": "联盟拒绝（{reason}）：{detail}。",
    "help.verifier.ask_ordered": "答复进入联盟次序后方予接受。",
    "error.record_not_ordered": (
        "答复成立，但尚未进入联盟次序。记录已保存；稍后可用：zk consortium order {path}"
    ),
    "help.vault.order": "取得证明各收据已在联盟次序之中的材料。",
    "vault.trees_ordered": "已证明 {count} 个收据所在的树处于联盟次序之中。",
    "vault.trees_not_ordered": "{count} 个树尚未定序。",
    "vault.receipt_ordered": "第 {index} 条，已定序",
    "consortium.order_outdated": (
        "其定序材料与现所信任的区块头不衔接，请重新取得：zk consortium order {path}"
    ),
}
