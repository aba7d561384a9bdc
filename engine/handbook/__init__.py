"""``care docs``: the playbooks of a project as a page for people, with a flow diagram each."""
