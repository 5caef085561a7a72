"""The unified customer record: profiles, cards, identity, merge and undo, timeline."""
