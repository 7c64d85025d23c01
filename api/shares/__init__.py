"""What a customer sees and does of a quote through its share link, and what our own people do with such links."""
