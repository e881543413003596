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
}
