"""What each role may do. Every route names one of these permissions; what isn't named is refused."""

PUBLIC = "public"  # no sign-in: the doors in, static files
READ = "read"  # see customers, runs, problems
CHANGE = "change"  # decide, merge, import, retry, undo
ADMINISTER = "administer"  # connections, tokens, field policy
OWN = "own"  # one's own account and sessions

PERMISSIONS = frozenset({PUBLIC, READ, CHANGE, ADMINISTER, OWN})
ROLES = {"owner": frozenset({READ, CHANGE, ADMINISTER, OWN})}


def allows(role: str, permission: str) -> bool:
    """Whether a role has a permission; an unknown role has none."""
    return permission in ROLES.get(role, frozenset())
