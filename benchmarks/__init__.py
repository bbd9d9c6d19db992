"""What is fast and how we know: each figure beside a peer's, in one run.

These are measurements, not tests: nothing here fails. Machines differ and are shared, so compare
the ratios.
"""
