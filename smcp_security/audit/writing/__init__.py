"""From a queue to the disk: `spool.py` takes, `writer.py` is the thread, `journal.py` the file, `chain.py` the line."""
