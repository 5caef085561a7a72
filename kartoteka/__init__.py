"""The door: everything that can be started from a terminal."""
