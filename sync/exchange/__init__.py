"""The exchange that 1C drives: its sessions, the files it brings, and the orders it takes."""
