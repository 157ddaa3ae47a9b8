"""What must be masked in the texts of results, and where: rules as data, checksums in code. Pure."""
