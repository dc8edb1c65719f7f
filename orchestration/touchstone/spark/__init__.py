"""A dbt project for Spark, written out of the DuckDB models, which stay the one definition of every metric."""


class NotGenerated(Exception):
    """The project can't be written: something in a model has no rule, or the folder holds something else."""
