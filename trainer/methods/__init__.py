"""Every method of the benchmark, behind one contract. Read contract.py first."""
