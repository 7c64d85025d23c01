"""What is remembered: SQLModel tables, the named queries on them, and the one door through which they are written."""
