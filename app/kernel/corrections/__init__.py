"""One field of the records that a list found, corrected at once: seen before, done by a job, undone."""
