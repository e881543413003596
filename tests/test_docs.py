"""What the documents name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(
    r"(?<![\w./-])((?:tests|bbs|disclosure|openid|tlog|wire|prover|verifier|zkservice|zk|examples|benchmarks|docs|native|proto|scripts|deploy)/[\w./-]*\w)"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = {match[1] for match in NAMED.finditer(document.read_text())}
    # Labels like zk-disclosure/request/v1 begin with another word; C2SP's tile paths with none of these.
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert not missing


def test_documents_name_paths_at_all() -> None:
    assert sum(len(NAMED.findall(each.read_text())) for each in DOCUMENTS) > 20
