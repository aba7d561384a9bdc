"""The shipped library: sample projects and playbooks, found through the package."""
