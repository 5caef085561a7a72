"""What staff see: pages, sign-in and the JSON door."""
