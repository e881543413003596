"""Without the extra `keyed` every module here is skipped by name, as those of bbs are."""

from tests.bbs.keyed.conftest import *  # noqa: F403
