"""A monitor: follows the logs of its policies, compares all that anybody was shown of them, and alarms.

What it finds is evidence in the format of `tlog.evidence`: proven to anybody, or plainly its own word.
"""

from consortium.monitor.alarms import Alarm
from consortium.monitor.gossip import gossip_app, hand_in
from consortium.monitor.keys import load_key
from consortium.monitor.notes import Known, Seen
from consortium.monitor.process import Bounds, Monitor, Sources
from consortium.monitor.store import MonitorStore, opened_store

__all__ = [
    "Alarm",
    "Bounds",
    "Known",
    "Monitor",
    "MonitorStore",
    "Seen",
    "Sources",
    "gossip_app",
    "hand_in",
    "load_key",
    "opened_store",
]
