"""Comments in and out of CSV, JSON Lines and Parquet, a batch at a time.

::

    with (
        open_reader(Path("in.csv")) as reader,
        open_writer(Path("out.csv"), None, reader.columns, like=reader, added={"length": int}) as writer,
    ):
        for batch in reader:
            writer.write(batch.with_columns({"length": [len(text) for text in batch.columns["text"]]}))
"""

from moderation.files.batch import ABSENT, Batch, refuse_taken
from moderation.files.formats import Format
from moderation.files.opening import open_reader, open_writer
from moderation.files.reader import OnError, Reader
from moderation.files.writer import Writer

__all__ = ["ABSENT", "Batch", "Format", "OnError", "Reader", "Writer", "open_reader", "open_writer", "refuse_taken"]
