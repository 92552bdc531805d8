"""All methods on all surveys, by rules that the code enforces."""
