"""What managers do beside the registers: accounts, divisions, the audit log."""
