"""1C:Enterprise through its exchange with sites, CommerceML over HTTP."""
