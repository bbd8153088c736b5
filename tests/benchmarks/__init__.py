"""What the program costs, in multiples of the least possible cost.

Every figure is a ratio of two measurements from one run, so that it means the same on a
slow machine. Nothing here is a test: nothing fails, and nothing runs in CI.
`python -m tests.benchmarks` measures everything and writes RESULTS.md.
"""
