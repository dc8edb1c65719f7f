"""What a user of dlt would write to load Mailgun's events into DuckDB. It runs in `.venv-benchmarks`, which has dlt.

It appends: with `merge` on a key dlt stops at the first record without one.
"""

import sys
from pathlib import Path

import dlt
from dlt.sources.filesystem import filesystem, read_jsonl

inbox, output, state = map(Path, sys.argv[1:])
lines = filesystem(bucket_url=inbox.as_uri(), file_glob="mailgun/events/**/*.gz") | read_jsonl()
pipeline = dlt.pipeline(
    "mailgun", pipelines_dir=str(state), destination=dlt.destinations.duckdb(str(output)), dataset_name="raw"
)
pipeline.run(lines.with_name("events"), write_disposition="append", loader_file_format="parquet")
