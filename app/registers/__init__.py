"""One package a register; importing this package declares them all."""
