"""Networks that several methods share, one file each, under the state-dict names that their public weights use."""
