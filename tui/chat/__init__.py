"""The program without its user interface."""
