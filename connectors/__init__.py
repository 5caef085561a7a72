"""One outside system per file: yields records, knows no database and no web framework."""
