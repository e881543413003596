"""What an operator sees of a running server: request ids, log lines, metrics, spans, and what it depends on.

Nothing here knows a name, a value or a token: what is told of a call is its method, its code, its reason and
its time. What is counted elsewhere (`zkservice.timing`) is read here when somebody asks for it.
"""
