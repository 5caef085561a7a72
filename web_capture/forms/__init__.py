"""Forms and pop-ups of a site: what they may be, their drawing, and the leads that come through them."""
