"""The error of the catalogue."""


class CatalogueError(ValueError):
    """A file that describes no department, or files that do not fit together; the text says where."""
