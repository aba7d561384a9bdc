"""Generated JSON Schemas of the project's files, for editors; see ``rules.schema``."""
