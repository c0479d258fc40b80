"""What recognizers share: skeletons, vocabularies, CTC, clips to learn from, judging, transcripts."""
