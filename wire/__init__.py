"""The edge between generated code and the project's own types, for service and clients alike.

`convert` turns messages of zkproto into frozen, checked types and back; `client` opens channels and turns
statuses
into typed errors. Nothing here keeps state.
"""
