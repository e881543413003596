"""What a user would pick instead, each in a throw-away environment, in turns with P (see `compare`)."""
