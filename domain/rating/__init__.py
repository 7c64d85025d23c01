"""What things cost: a charge says how, each file of this room holds one family of charge models."""
