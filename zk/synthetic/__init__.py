"""A city that nobody lives in: people, households, homes and companies, the same for the same seed.

Everything follows from the seed and a place in the city, so any part of it is made anew when it is asked for
and nothing of it is kept: a city of a million takes no more memory than one of a hundred. Departments agree
about everybody, since they all describe the same person, home and company. Numbers of people and companies
have the right form and a check character that is always wrong, so none is anybody's.
"""

from zk.synthetic.city import City
from zk.synthetic.people import Child, Company, Home, Household, Person
from zk.synthetic.records import ITEMS, Record, records_of

__all__ = ["ITEMS", "Child", "City", "Company", "Home", "Household", "Person", "Record", "records_of"]
