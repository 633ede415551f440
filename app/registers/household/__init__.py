"""农户: the one list of households that every register stands on."""
