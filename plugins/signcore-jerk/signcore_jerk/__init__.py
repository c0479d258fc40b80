"""How smooth a signing pose moves: a metric of signcore with a compiled op of its own. Importing it imports no torch."""
