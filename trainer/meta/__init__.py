"""MAML. Read inner_loop.py first; it is the shared equation."""
