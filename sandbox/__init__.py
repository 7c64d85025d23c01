"""The parties outside as one HTTP and SMTP server; it knows nothing of the engine and imports none of it."""
