"""Text to a signing pose by a lexicon of poses; importing it imports no spoken_to_signed."""
