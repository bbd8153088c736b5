"""Makes foreign text safe to show, and readable."""
