"""Meta-learned localization: surveys, simulated rooms, MAML.

Reading order: tasks, network, meta/inner_loop, meta/maml, meta/train.
"""
