"""What the next run would do, and what an edit would change in it, with nothing written."""
