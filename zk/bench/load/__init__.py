"""A server under load: the server in one process, the load generator in another, TLS between them."""
