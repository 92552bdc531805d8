"""From single locations to where somebody is, has gone, and stays."""
