"""The tables of the handbook: who is where, what was done, what is to come, and how well it went."""
