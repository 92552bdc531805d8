"""The demonstration: a simulated walk through a simulated flat, with its own broker."""
