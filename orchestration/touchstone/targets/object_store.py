"""An object store, or a folder, as a target: Parquet files, and a small file that lists those of the release.

    current.json                                   which release it is, and its files; written last
    marts/<mart>/<month>-<digest>.parquet          never overwritten; a file that stays the same belongs to many releases
    releases/<release>.json                        what current.json was for each release that is kept
"""
