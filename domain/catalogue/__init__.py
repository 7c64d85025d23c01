"""What a price book holds beside its prices."""
