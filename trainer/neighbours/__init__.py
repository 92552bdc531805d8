"""Learn the whitened neighbours of `edge_agent.neighbours` by replaying the past."""
