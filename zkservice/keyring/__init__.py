"""The master key's generations, wrapped under a key that is kept elsewhere (docs/keys.md).

`errors`      what is refused, each with a stable reason
`providers`   who wraps and unwraps: a file, a variable, a program, a module for a key management system
`ring`        the file keys/keyring.json: written, read, checked in every field
`opening`     what a server or a command starts with; a master key that lies open is adopted
`following`   a running server takes over what another process has begun
`rotating`    another generation, step by step, beside running servers
`resealing`   the database from former generations to the present one, and the end of the former ones
`keeping`     backup, restore and drill
"""
