"""Public surveys in their original formats."""
