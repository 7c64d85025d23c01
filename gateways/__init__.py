"""How we speak to each outside party."""
