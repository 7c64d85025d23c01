"""What is remembered: tables and the named queries on them."""
