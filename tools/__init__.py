"""Set-up, serving and other helpers that are no part of the program."""
