"""The departments and items that the project brings along, readable YAML beside this file.

A file holds one department, its items and its own code lists; `code_lists.yaml` holds those that several
departments use. Loading checks everything and gives the types of `disclosure`; an operator's own file is read
the same way. A version of an item never changes once it was registered anywhere: change it by adding a
version. What is told of an item besides (`ItemInfo`) is signed nowhere and may change.
"""

from zk.catalogue.content import Catalogue, Counts, Department
from zk.catalogue.errors import CatalogueError
from zk.catalogue.info import ItemInfo, Refresh, Sensitivity, Subject
from zk.catalogue.reading import builtin, load, load_department, parse_department

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Counts",
    "Department",
    "ItemInfo",
    "Refresh",
    "Sensitivity",
    "Subject",
    "builtin",
    "load",
    "load_department",
    "parse_department",
]
