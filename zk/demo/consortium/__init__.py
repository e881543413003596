"""The story of nine cities: their logs, each other's witnesses, a monitor; two die, one cheats."""
