"""What goes beyond the own area: handovers, duplicates, the masked ledger, revealed numbers."""
