"""What the scale costs, computed: measured figures in, cores and octets out. Nothing is measured here."""

import math
from dataclasses import dataclass

from benchmarks.scale.seed import SECONDS_A_YEAR, Seed


@dataclass(frozen=True)
class Measured:
    """What was measured. Seconds are processor time of the server, octets are kept or sent once a use.

    `use_*` are for one use from question to receipt, `credential_*` for one credential from offer to
    acknowledgement, `entry_octets` for one receipt on the ledger with its note and its share of tiles and
    headers, `log_entries_a_second` what one log takes in, `catch_up_seconds` a vault's time for one
    revocation that it missed, `revocation_octets` what it reads for it.
    """

    use_seconds: float
    use_message_octets: float
    use_kept_octets: float
    entry_octets: float
    credential_seconds: float
    credential_message_octets: float
    credential_kept_octets: float
    log_entries_a_second: float
    catch_up_seconds: float
    revocation_octets: float


@dataclass(frozen=True)
class Costs:
    """What the seed's scale takes; octets a year unless the name says otherwise."""

    uses_a_second: float
    peak_uses_a_second: float
    peak_issues_a_second: float
    cores: int
    peak_bits_a_second: float
    messages: float
    kept: float
    ledger: float
    mirrored: float
    credentials_kept: float
    logs: int
    revocations_of_a_kind: float
    catch_up_seconds: float
    catch_up_octets: float


def costs(seed: Seed, measured: Measured) -> Costs:
    """Compute what the scale takes."""
    uses, issues = seed.uses_a_second, seed.issues_a_second
    work = uses * measured.use_seconds + issues * measured.credential_seconds
    sent = uses * measured.use_message_octets + issues * measured.credential_message_octets
    revoked = seed.credentials * seed.changed / seed.kinds
    ledger = seed.uses * measured.entry_octets
    return Costs(
        uses_a_second=uses,
        peak_uses_a_second=seed.peak * uses,
        peak_issues_a_second=seed.peak * issues,
        cores=math.ceil(seed.peak * work / seed.full),
        peak_bits_a_second=8 * seed.peak * sent,
        messages=sent * SECONDS_A_YEAR,
        kept=seed.uses * measured.use_kept_octets,
        ledger=ledger,
        mirrored=seed.cities * ledger,
        credentials_kept=seed.credentials * measured.credential_kept_octets,
        logs=math.ceil(seed.peak * uses / (seed.full * measured.log_entries_a_second)),
        revocations_of_a_kind=revoked,
        catch_up_seconds=revoked * measured.catch_up_seconds,
        catch_up_octets=revoked * measured.revocation_octets,
    )
