"""Months as numbers, so that they can be added and compared: year times twelve and the month from 0."""

import datetime as dt


def number(day: dt.date) -> int:
    """Return the number of a day's month."""
    return day.year * 12 + day.month - 1


def count(since: dt.date, until: dt.date) -> int:
    """Return how many months lie between two days' months, none if the first is later."""
    return max(0, number(until) - number(since))
