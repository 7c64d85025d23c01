"""How a database of an older release becomes one of this release: dated versions, each with its own SQL."""
