"""What jobs need beside the database, under the name this package's functions know it by."""

from foundation.context import Context, current, use

__all__ = ["Context", "current", "use"]
