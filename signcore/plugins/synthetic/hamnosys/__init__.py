"""The rule-based signer: a HamNoSys notation drives the articulated 3-D signer, without any training."""
