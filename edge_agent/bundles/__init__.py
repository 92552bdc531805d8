"""Model bundles: files, signatures, what is installed, and proof that they compute."""
