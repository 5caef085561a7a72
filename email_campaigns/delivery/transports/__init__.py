"""Ways letters leave by; each takes bytes and answers what became of them."""
