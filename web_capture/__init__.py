"""What shops embed: the snippet and the collector (a later issue fills it)."""
