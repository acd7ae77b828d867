"""Records that stand for the real world: the demo's shop, and the traffic of `load`."""
