"""Lists of households in and out: files, matching, the paper of one household."""
