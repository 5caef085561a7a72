"""Statements of mutual settlements: what is owed and paid in a period, on a page, as XLSX, as PDF."""
