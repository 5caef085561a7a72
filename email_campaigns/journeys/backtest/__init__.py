"""Back-tests: a journey tried out on what is stored of the last days, by the engine's own code."""
