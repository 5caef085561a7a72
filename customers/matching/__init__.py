"""Whether two records are one customer: pure, and the same for a batch of millions and for one arrival."""
