"""Touchstone's pipeline: landing, dbt and publishing as Dagster assets."""
