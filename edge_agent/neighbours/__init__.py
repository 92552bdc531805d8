"""Whitened nearest neighbours: an estimator beside the network."""
