"""What the operators of several logs do for one another over HTTP: read, mirror, cosign, watch.

It knows the log's formats (`tlog`) and nothing of what receipts are about. Everything that comes from another
operator is decoded strictly, bounded in size and time, and verified before it is kept.
"""
