"""The schema's history: numbered files that are safe to run again; every one runs in CI."""
