"""What letters say: blocks become HTML once per version, and a letter for each person when it is sent."""
