"""One location taken apart: what it is made of, what speaks for it and what against."""
