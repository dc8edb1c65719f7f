"""Landing: from files of JSON records to typed Parquet, once each and without loss.

`streams` says what a stream's records look like, `inbox` finds files, `splitter` takes files apart that
the fast reader can't, `records` holds the SQL that types and judges records, `ledger` remembers, and
`land` runs them for one stream.
"""
