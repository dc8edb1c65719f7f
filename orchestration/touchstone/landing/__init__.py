"""Landing: from files of JSON records to typed Parquet, each record once and none lost.

`streams` reads the declarations of streams, `inbox` finds files, `stage` copies them. `land` takes a stream's new files
in batches: for each `batch`, the `reader` reads the files, the `splitter` splits those that can't be read at once, the
`validator` types records and decides their status with the SQL of `records`, and the `writer` writes lake and ledger.
"""
