"""What marketers schedule (a later issue fills it)."""
