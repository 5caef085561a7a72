"""Mailboxes, one per file."""
