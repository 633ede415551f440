"""What managers may change of the program: settings and choices."""
