"""The servers of a single machine, PostgreSQL and Temporal, started from their wheels. Knows none of our other rooms."""
