"""Who is in the audit: a key per person, in a file of its own. `people.py` is what writers and readers use."""
