"""What `make bench` measures, one module per scenario.

Each has `run(options)`, which starts what it needs, yields results as they come, and stops everything.
"""
