"""Meta-learned localization: surveys, simulated rooms, MAML."""
