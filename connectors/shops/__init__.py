"""Online shops, one per file."""
