"""From YAML nodes to the types of the language, one module a file kind; findings are collected."""
