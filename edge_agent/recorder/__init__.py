"""Recordings of raw frames with labels: `edge_agent record`."""
