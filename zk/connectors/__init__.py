"""Connectors: what reads a department's own database and gives its records as a schema has them.

A connector reads and never writes: that is enforced where the database can enforce it, and a database that
cannot is refused. Rows that do not fit are told one by one and stop no others.
"""

from zk.connectors.base import Connector, Misfit, Rows
from zk.connectors.plan import Plan, load_plan
from zk.connectors.sql import SqlConnector

__all__ = ["Connector", "Misfit", "Plan", "Rows", "SqlConnector", "load_plan"]
