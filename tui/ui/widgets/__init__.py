"""The widgets. They show the values they are given, and post what the user does."""
