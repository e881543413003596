"""The server: composition root, settings, one module a gRPC service, the sequencer, and storage.

It never imports the holder's side. What is durable when, and what survives a crash, is said in `storage` and
`sequencer`.
"""

import os

# uvloop forks to start a worker. gRPC's handlers for that would start its threads in the child, where until
# the exec they read and write on the callers' connections: one record more, and a connection is corrupted.
# gRPC looks at this once, when it is loaded, so that it stands in what is loaded before (and in `zk`).
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
