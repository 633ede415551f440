"""How many records of a register a division gives those below it to do (spec 06 "Quotas")."""
