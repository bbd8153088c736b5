"""What the program costs, in multiples of what cannot be had for less.

Every figure is a ratio of two things measured in one run, so that it means the
same on a slow machine. Nothing here is a test: nothing fails, nothing runs in CI.
`python -m tests.benchmarks` measures everything and writes RESULTS.md.
"""
