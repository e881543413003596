"""A witness: cosigns the checkpoints of the logs that it knows, never two that do not go together.

One folder holds its keys and what it has cosigned; one process at a time has the folder.
"""

from consortium.witness.app import witness_app
from consortium.witness.keys import load_keys, make_keys
from consortium.witness.store import Cosigned, WitnessStore, opened_store, read_store

__all__ = ["Cosigned", "WitnessStore", "load_keys", "make_keys", "opened_store", "read_store", "witness_app"]
