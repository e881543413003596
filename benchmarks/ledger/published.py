"""What others have published of their logs' writing, each with its source; no run of ours repeats them."""

from dataclasses import dataclass
from typing import Final

TESSERA: Final = "[Tessera, docs/performance.md](https://github.com/transparency-dev/tessera/blob/main/docs/performance.md)"
_PULL_717: Final = "[Trillian, pull request 717 (2017)](https://github.com/google/trillian/pull/717)"
_ISSUE_1605: Final = "[Trillian, issue 1605 (2019)](https://github.com/google/trillian/issues/1605)"


@dataclass(frozen=True)
class Published:
    """Entries a second of another log, and where they are said of which machine."""

    name: str
    machine: str
    per_second: float
    said: str
    source: str


PUBLISHED: Final = (
    Published("Tessera, files", "12 cores, mirrored SAS disks", 2_900, "about 2,900", TESSERA),
    Published("Tessera, files, antispam", "12 cores, mirrored SAS disks", 1_600, "about 1,600", TESSERA),
    Published("Tessera, files", "e2-micro, 2 shared vCPU, 1 GB", 1_500, "more than 1,500", TESSERA),
    Published("Tessera, files", "4 nodes of CephFS", 1_000, "more than 1,000", TESSERA),
    Published("Tessera, MySQL", "e2-micro, and Cloud SQL of 4 vCPU beside it", 2_000, "about 2,000", TESSERA),
    Published("Tessera, MySQL", "both on one e2-micro", 300, "about 300", TESSERA),
    Published("Tessera, Spanner", "100 units, one front end", 3_000, "more than 3,000", TESSERA),
    Published("Tessera, Spanner, antispam", "300 units, two front ends", 5_000, "more than 5,000", TESSERA),
    Published(
        "Trillian, MySQL, the signer alone",
        "a laptop, before that change",
        1_190,
        "1,190, batches of 1,000",
        _PULL_717,
    ),
    Published(
        "Trillian",
        "an operator's, 280 million entries",
        480,
        "480 offered, not kept up with",
        _ISSUE_1605,
    ),
)
