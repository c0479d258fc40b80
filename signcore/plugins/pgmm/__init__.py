"""PGMM, pose-guided fine-grained sign language video generation (Shi et al., ECCV 2024)."""
