"""The check service of one department: a process of its own that alone holds the key of its keyed
credentials.

    python -m zkservice.keyed --data FOLDER --department hrss [--curve P-256] [--dev]

Counters ask it whether a presentation holds; the department's staff has it issue. docs/keyed.md says what it
keeps, what it tells, and what it never does. Wants the extra `keyed` (petlib).
"""
