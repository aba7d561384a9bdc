"""The language of care: what a project's YAML says, checked and compiled. No clock, no database."""
