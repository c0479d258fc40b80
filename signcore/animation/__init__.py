"""What PGMM, TPSMM and their kin share: a picture moves like a driving video. Each brings its networks alone."""
