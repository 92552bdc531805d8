"""How far locations are from the truth: recordings replayed against their labels."""
