"""What comes back from letters: clicks, opens, unsubscriptions, bounces, complaints."""
