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
}
