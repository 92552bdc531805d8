"""The paper's simulated experiments, drawn again: plots, numbers, notes."""
