"""What shops embed: the snippet, the collector, and what becomes of their events; forms, carts and visits."""
