"""What the scale costs, computed: measured figures in, cores and octets out. Nothing is measured here."""

import math
from dataclasses import dataclass

from benchmarks.scale.seed import SECONDS_A_YEAR, Seed


@dataclass(frozen=True)
class Action:
    """One thing that people do again and again: a use from question to verdict, a credential from offer to
    acknowledgement.

    `seconds` are of the server's processors, `main_seconds` those of its main process, of which there is one
    and whose Python runs on one core at a time; `message_octets` what passes its socket both ways, with TLS
    and HTTP/2, `kept_octets` what its tables grow by, but for the log, `entries` what it puts on the log.
    """

    seconds: float
    main_seconds: float
    message_octets: float
    kept_octets: float
    entries: float


@dataclass(frozen=True)
class Log:
    """What an entry and a block take in the tables of the log; entries a second in full blocks; seconds that
    a block of one entry takes."""

    entry_octets: float
    block_octets: float
    entries_a_second: float
    block_seconds: float


@dataclass(frozen=True)
class Revocation:
    """What one revocation takes of the server, and of each vault that catches up with it: processor seconds
    there, and octets that it reads."""

    seconds: float
    kept_octets: float
    vault_seconds: float
    vault_octets: float


@dataclass(frozen=True)
class Measured:
    """All that was measured, for one kind of use."""

    use: Action
    credential: Action
    log: Log
    revocation: Revocation


@dataclass(frozen=True)
class Costs:
    """What the seed's scale takes; octets and vaults' seconds a year unless the name says otherwise."""

    peak_uses_a_second: float
    peak_issues_a_second: float
    peak_cores: float
    cores: int
    servers: int
    peak_bits_a_second: float
    messages: float
    uses_kept: float
    credentials_kept: float
    entries: float
    entries_a_block: float
    ledger: float
    mirrored: float
    logs: int
    revocations_of_a_list: float
    vault_seconds: float
    vault_octets: float


def work_a_second(seed: Seed, measured: Measured) -> float:
    """Return the processor seconds that the server needs each second, in the mean."""
    issue = measured.credential.seconds + measured.revocation.seconds
    return seed.uses_a_second * measured.use.seconds + seed.issues_a_second * issue


def entries_a_block(rate: float, log: Log) -> float:
    """Return how many entries come while a block is made, which are the next one; never less than one."""
    return max(1.0, rate * log.block_seconds)


def ledger_octets(entries: float, a_block: float, log: Log) -> float:
    """Return what so many entries take in blocks of so many."""
    return entries * (log.entry_octets + log.block_octets / a_block)


def costs(seed: Seed, measured: Measured) -> Costs:
    """Compute what the scale takes."""
    use, credential, log, revocation = measured.use, measured.credential, measured.log, measured.revocation
    uses, issues = seed.uses_a_second, seed.issues_a_second
    work = work_a_second(seed, measured)
    main = uses * use.main_seconds + issues * credential.main_seconds
    sent = uses * use.message_octets + issues * credential.message_octets
    entries = seed.uses * use.entries + seed.issues * credential.entries
    rate = entries / SECONDS_A_YEAR
    ledger = ledger_octets(entries, entries_a_block(rate, log), log)
    revoked = seed.issues / seed.accumulators
    return Costs(
        peak_uses_a_second=seed.peak * uses,
        peak_issues_a_second=seed.peak * issues,
        peak_cores=seed.peak * work,
        cores=math.ceil(seed.peak * work / seed.full),
        servers=math.ceil(seed.peak * main / seed.full),
        peak_bits_a_second=8 * seed.peak * sent,
        messages=sent * SECONDS_A_YEAR,
        uses_kept=seed.uses * use.kept_octets,
        credentials_kept=seed.issues * (credential.kept_octets + revocation.kept_octets),
        entries=entries,
        entries_a_block=entries_a_block(rate, log),
        ledger=ledger,
        mirrored=seed.cities * ledger,
        logs=math.ceil(seed.peak * rate / (seed.full * log.entries_a_second)),
        revocations_of_a_list=revoked,
        vault_seconds=revoked * revocation.vault_seconds,
        vault_octets=revoked * revocation.vault_octets,
    )
