"""Control groups of sandboxes: one contract, kept by both versions."""
