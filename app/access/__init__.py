"""Who may see and do what, and where: divisions, accounts, policy, scope guard."""
