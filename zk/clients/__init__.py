"""Clients of the service for departments, administrators and verifiers, one module a topic."""
