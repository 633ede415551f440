"""What every layer stands on: database, types, clock, errors, audit, jobs, storage, language."""
