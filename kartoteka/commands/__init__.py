"""The commands, one file per group; imported one at a time by `kartoteka.cli`."""
