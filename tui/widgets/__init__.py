"""The pieces of a screen: they show the values they are given and say what was done."""
