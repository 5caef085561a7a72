"""1C:Enterprise bases through their published OData interface (version 3)."""
