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
    "help.consortium.operator": "The city that claims are made for.",
    "help.consortium.operator_key": "The file with the key of its transactions (operator.key of its node).",
    "help.consortium.claims": "Claims that a city makes for its verifiers.",
    "help.consortium.claims.serve": "Claim for the verifiers of a list, by the city's key.",
    "help.consortium.claims_url": "Where the city's service claims for verifiers: https://HOST:PORT.",
    "help.consortium.claims_root": "That service's root certificate (PEM); the home's if not said.",
    "help.claims.verifiers": "A file with those for whom is claimed: verifiers/NAME, one on a line.",
    "help.claims.host": "The address to listen on.",
    "help.claims.port": "The port to listen on; 0 lets the system choose.",
    "help.claims.certificate": "The certificate chain to show (PEM).",
    "help.claims.private_key": "Its private key (PEM).",
    "help.claims.per_minute": "So many claims of one verifier are made in a minute.",
    "help.claims.per_day": "So many different claims of one verifier are made in a day.",
    "claims.list": "Another list counts, of {verifiers:verifier/verifiers}.",
    "claims.list_empty": "Nobody stands on the list any more, or it is gone: nothing is claimed for anybody.",
    "claims.list_refused": "The changed list is not taken, and the one before counts on: {reason} {detail}",
    "claims.ready": "Claims for {verifiers:verifier/verifiers} at {address}, for {operator}, chain {chain}.",
    "claims.stopped": "No more claims are made.",
    "claims.refused": "Not claimed for {verifier}: {reason} {detail}",
    "error.claims_certificate": (
        "Others reach this address: --certificate and --private-key are wanted, both of them."
    ),
    "error.claims_verifiers": "No verifier stands in {path}.",
    "error.claims_verifiers_cut": "The last line of {path} has no end: the list may have been cut.",
    "error.claims_day_ahead": (
        "{path} counts for {day}, and by this clock it is {today}. If the clock is wrong, set it right; if "
        "it was ahead, remove the file: the day's count begins anew."
    ),
    "error.claims_url": "Claims are asked for over TLS: {url} is no https:// address.",
    "error.claims_refused": "The city's service does not claim it ({reason}).",
    "error.claims_away": "The city's service does not tell what came of the claim: {detail}.",
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
        "Claims are made for a city: zk consortium trust --operator NAME --claims URL; or, by whoever holds "
        "its key, --operator-key FILE."
    ),
    "error.consortium_node": "The consortium's node does not do what it was asked: {detail}.",
    "error.consortium_refused": "The consortium refuses it ({reason}): {detail}.",
    "help.verifier.ask_ordered": "Accept the answer once it is in the consortium's order.",
    "error.record_not_ordered": (
        "The answer holds and is not in the consortium's order yet. "
        "Its record is kept; later: zk consortium order {path}"
    ),
    "help.verifier.errands_ordered": "Leave a part submitted until it is in the consortium's order.",
    "help.verifier.deliveries_ordered": "Take nothing before it is in the consortium's order.",
    "verifier.errands_not_ordered": "{part}: not in the consortium's order ({reason}), and stays submitted",
    "help.vault.order": "Bring what shows the receipts to be in the consortium's order.",
    "vault.trees_ordered": "{count:tree/trees} of receipts shown to be in the consortium's order.",
    "vault.trees_not_ordered": "{count:tree/trees} not in the order yet.",
    "vault.receipt_ordered": "entry {index}, ordered",
    "consortium.order_outdated": (
        "What shows its order does not follow from the trusted header: zk consortium order {path}"
    ),
}
