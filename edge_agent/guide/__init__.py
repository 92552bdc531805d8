"""Guiding a person through a calibration: the skins of `edge_agent.walking`."""
