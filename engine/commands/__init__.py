"""The commands of ``care``: each parses, calls one function, shows what it gives, leaves."""
