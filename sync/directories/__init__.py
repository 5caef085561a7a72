"""Directories kept equal on both sides: three-way, explained, planned first and undone after."""
