"""A city's node on a host of its own: what it shows the others, how they found a chain, what it keeps."""
