"""One package a register; ``app.models`` imports them all."""
