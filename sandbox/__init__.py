"""Outside parties as real HTTP servers of our own. Knows none of our other rooms."""
