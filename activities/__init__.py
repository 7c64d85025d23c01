"""What is done: one transaction or one call outside per activity."""
