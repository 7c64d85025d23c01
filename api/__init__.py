"""ASK: HTTP in; validates, stores what no workflow owns, asks workflows, reads the tables."""
