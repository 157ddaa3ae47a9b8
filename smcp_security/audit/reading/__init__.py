"""What people do with the audit: lines in order, records opened, found, followed and counted. Proves nothing."""
