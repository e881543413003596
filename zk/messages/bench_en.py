"""What `zk bench` says, in English."""

from typing import Final

MESSAGES: Final = {
    "bench.unit": (
        "P is one pairing check of {group}, with nothing prepared: {milliseconds} ms here. All parts take "
        "about two minutes together; Ctrl-C ends it."
    ),
    "bench.portable": (
        "The group in use is {group}: the native group, {native}, is not installed. It takes a quarter to a "
        "third of the time of arkworks, the faster portable group, and handles secrets in constant time; it "
        "comes with the distribution zk-native. P below is {group}'s own pairing check, and the "
        "promised figures, which are {native}'s, are not shown."
    ),
    "bench.no_processes": (
        "The service is not measured: this system does not tell a process's processor time in /proc."
    ),
    "bench.interrupted": "Interrupted; what stands above was measured.",
    "bench.milliseconds": "{number} ms",
    "bench.units": "{number} P    ",
    "bench.times": "{number} times",
    "bench.limit": "at most {limit} {verdict}",
    "bench.pass": "holds",
    "bench.miss": "MISSED",
    "bench.remark.busy": (
        "{per_second}/s, the server on {server_cores} cores, the generator on {generator_cores}"
    ),
    "bench.remark.idle": (
        "{per_second}/s, the server on {server_cores} cores, the generator on {generator_cores}: the cores "
        "are not busy"
    ),
    "bench.stage": "operations, L={L}",
    "bench.row.sign": "sign, L={L}",
    "bench.row.verify": "verify, L={L}",
    "bench.row.proof_gen_prepared": "proof_gen, L={L}, {shown} shown, prepared",
    "bench.row.proof_gen": "proof_gen, L={L}, {shown} shown",
    "bench.row.prepare": "prepare_credential, L={L}",
    "bench.row.proof_verify": "proof_verify, L={L}, {shown} shown",
    "bench.row.batch": "batch of {size} proofs, each",
    "bench.row.one.prove": "one credential: prove, {octets} octets",
    "bench.row.one.verify": "one credential: verify",
    "bench.row.one.batch": "one credential: {size} in a batch, each",
    "bench.row.range.prove": "+ 16-bit range: prove, {octets} octets",
    "bench.row.range.verify": "+ 16-bit range: verify",
    "bench.row.range.batch": "+ 16-bit range: {size} in a batch, each",
    "bench.row.revocation.prove": "+ not revoked: prove, {octets} octets",
    "bench.row.revocation.verify": "+ not revoked: verify",
    "bench.row.revocation.batch": "+ not revoked: {size} in a batch, each",
    "bench.row.three.prove": "3 credentials, 2 ranges: prove, {octets} octets",
    "bench.row.three.verify": "3 credentials, 2 ranges: verify",
    "bench.row.three.batch": "3 credentials, 2 ranges: {size} in a batch, each",
    "bench.row.parallel": "proof_verify, {threads} threads against one",
    "bench.row.ceiling": "pairing check, {threads} threads against one",
    "bench.row.call_alone": "{method}, one caller",
    "bench.row.call": "{method}, {callers} callers",
    "bench.row.school": "school question: vault to verdict",
    "bench.row.enrolment": "enrolment question: vault to verdict",
    "bench.row.bulk": "bulk issue, against bare signing",
    "bench.remark.bulk": (
        "{per_second}/s of {signing}/s, {server} us the server and {client} us the client for each; "
        "{early} MiB after 10,000 records, {most} MiB at most"
    ),
}
