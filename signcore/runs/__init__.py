"""Runs: stages wired by type, executed into a folder that appears whole or not at all, with a manifest and a report."""
