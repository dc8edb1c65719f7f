"""A shop's own Dagster project, in which Touchstone is one component among others."""
