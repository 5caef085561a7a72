"""The ledger of letters, and how they leave: claimed, guarded, composed, signed, handed over, told."""
