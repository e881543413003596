"""Numbers of the right form that are nobody's: their check characters are always wrong.

People: GB 11643-1999, 18 characters. Companies: GB 32100-2015, 18 characters.
"""

import datetime as dt
from typing import Final

SERIALS: Final = 5000
"""Ten wrong check characters for each of 500 sequences of one sex."""
_PERSON_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PERSON_CHECKS: Final = "10X98765432"
_COMPANY_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_COMPANY_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def person_check(first: str) -> str:
    """Return the right check character of 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first, _PERSON_WEIGHTS, strict=True))
    return _PERSON_CHECKS[total % 11]


def company_check(first: str) -> str:
    """Return the right check character of 17 characters."""
    total = sum(
        _COMPANY_LETTERS.index(each) * weight for each, weight in zip(first, _COMPANY_WEIGHTS, strict=True)
    )
    return _COMPANY_LETTERS[-total % 31]


def person_number(district: str, birth: dt.date, serial: int, *, male: bool) -> str:
    """Return a number of this district, birth and sex (odd sequences are male), never a real one.

    Those of one district, birth and sex differ as long as their serials differ modulo SERIALS.
    """
    wrong, sequence = divmod(serial % SERIALS, 500)
    first = f"{district}{birth:%Y%m%d}{sequence * 2 + male:03d}"
    return first + _wrong(person_check(first), _PERSON_CHECKS, wrong)


def company_number(district: str, index: int) -> str:
    """Return a unified social credit code of this district, never a real one; one for each index."""
    digits, rest = "", index
    for _ in range(9):
        rest, digit = divmod(rest, 31)
        digits = _COMPANY_LETTERS[digit] + digits
    first = f"91{district}{digits}"
    return first + _wrong(company_check(first), _COMPANY_LETTERS, 0)


def _wrong(right: str, letters: str, which: int) -> str:
    """Return one of the characters that are not the right one."""
    return letters[(letters.index(right) + 1 + which) % len(letters)]
