"""The floor: settings, database, jobs, clock, errors, log; imports nothing of ours."""
