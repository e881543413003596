"""What operators read of the consortium's order, in English."""

from typing import Final

MESSAGES: Final = {
    "help.consortium": "One order for what all cities share, on CometBFT.",
    "help.consortium.up": "Run a consortium on this machine, to try it.",
    "help.consortium.status": "What a node holds: newest block, operators, the logs' ordered checkpoints.",
    "help.consortium.data": "The folder of the trial; what was made in it before is started again.",
    "help.consortium.nodes": "How many cities a new trial has.",
    "help.consortium.port": "The lowest port of a new trial; two a node are used from it on.",
    "help.consortium.engine": "The engine's program; else cometbft in the PATH, or scripts/cometbft.sh's.",
    "help.consortium.node": "Where a node is asked, for instance http://127.0.0.1:26809.",
    "consortium.ready": "{count} nodes run, in {path}. Ctrl-C ends them.",
    "consortium.node": "{city}  {url}",
    "consortium.stopped": "All nodes have ended.",
    "consortium.block": "Chain {chain}, block {height}, state {app_hash}.",
    "consortium.operators": "Operators: {names}",
    "consortium.log": "{origin}  size {size}, ordered in block {height}",
    "error.engine_missing": (
        "The consensus engine is not there: scripts/cometbft.sh builds it, or --engine names it."
    ),
    "help.consortium.header": (
        "Write a header of one's own node's chain to a file, for those who are to trust it."
    ),
    "help.consortium.header_file": "The file to write.",
    "help.consortium.height": "The header's block; the newest one unless it is said.",
    "help.consortium.trust": (
        "Trust a header of the consortium's chain, or go on to the newest that follows from it."
    ),
    "help.consortium.trust_file": (
        "A header from somebody who is trusted; without it the newest that follows is taken."
    ),
    "help.consortium.operator": "The city for whose node claims are made.",
    "help.consortium.operator_key": "The file with the key of its transactions (operator.key of its node).",
    "help.consortium.order": "Bring what shows a receipt or record to be in the consortium's order.",
    "help.consortium.order_file": "A receipt (zk vault receipt) or a record.",
    "help.consortium.order_to": "Where to write it; else beside FILE.",
    "help.consortium.wait": "So many seconds may pass until its tree is ordered.",
    "help.ledger.receipt_trusted": (
        "The consortium's header to go by (zk consortium header); else the trusted one."
    ),
    "help.verifier.ordered": "Demand that it is shown to be in the consortium's order; else exit code 10.",
    "consortium.header": "Chain {chain}, block {height}, header {hash}.",
    "consortium.trusted_until": "It is trusted until {until}.",
    "consortium.ordered": (
        "Ordered: its tree is under the header of block {height} of chain {chain}, of {time}."
    ),
    "consortium.not_ordered": "Its tree is not in the consortium's order yet.",
    "consortium.order_written": "Written: {path}",
    "error.consortium_unknown": "No header of the consortium is trusted here: zk consortium trust FILE.",
    "error.consortium_node_missing": "Which node is to be asked? --node names it.",
    "error.consortium_operator_missing": (
        "Claims are made for a city: zk consortium trust --operator NAME --operator-key FILE."
    ),
    "error.consortium_node": "The consortium's node does not do what it was asked: {detail}.",
    "error.consortium_refused": "The consortium refuses it ({reason}): {detail}.",
    "help.verifier.ask_ordered": "Accept the answer once it is in the consortium's order.",
    "error.record_not_ordered": (
        "The answer holds and is not in the consortium's order yet. "
        "Its record is kept; later: zk consortium order {path}"
    ),
    "help.vault.order": "Bring what shows the receipts to be in the consortium's order.",
    "vault.trees_ordered": "{count:tree/trees} of receipts shown to be in the consortium's order.",
    "vault.trees_not_ordered": "{count:tree/trees} not in the order yet.",
    "vault.receipt_ordered": "entry {index}, ordered",
    "consortium.order_outdated": (
        "What shows its order does not follow from the trusted header: zk consortium order {path}"
    ),
}
