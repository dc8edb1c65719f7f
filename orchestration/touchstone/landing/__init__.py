"""Landing: from files of JSON records to typed Parquet, once each and without loss.

`streams` says what a stream's records look like, `inbox` finds files, `stage` copies them. `land` takes a stream's new
files in batches: of each `batch`, the `reader` reads the files, `splitter` takes those apart that can't be read at
once, the `validator` types records and decides their status by the SQL of `records`, and the `writer` writes lake and
ledger.
"""
