"""What the user can choose: settings, commands and keys."""
