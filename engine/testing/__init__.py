"""``care test``: playbooks played in memory against what their authors expect."""
