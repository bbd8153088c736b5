"""The screens: each knows the history on one side and its widgets on the other."""
