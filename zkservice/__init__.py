"""The server: composition root, settings, one module a gRPC service, the sequencer, and storage.

It never imports the holder's side. What is durable when, and what survives a crash, is said in `storage` and
`sequencer`.
"""
