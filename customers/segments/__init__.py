"""Segments: conditions over customers as text, tree and SQL, and who is in them since when and why."""
