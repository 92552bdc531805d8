"""What can be meta-learnt: models f_θ with their tasks, behind `trainer.meta.model`."""
