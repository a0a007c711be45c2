"""What the projections that count make of the event log."""

from sqlalchemy import BigInteger, Column, DateTime, Integer, PrimaryKeyConstraint, Table, Text, Uuid

from inquiry_service.storage.tables.columns import metadata

# How much of a measure came in between `bucket` and `width` seconds later, in total and for each key of a dimension.
# The same is kept in three widths: sums over long periods read days, and quarters of an hour at their ends only.
statistic = Table(
    "statistic",
    metadata,
    Column("dimension", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("bucket", DateTime(timezone=True), nullable=False),
    Column("measure", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("dimension", "width", "bucket", "measure", "key"),
)

# What later events of an inquiry do not repeat; goes when it is erased.
statistic_inquiry = Table(
    "statistic_inquiry",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("receive_time", DateTime(timezone=True), nullable=False),
)

# What came and went in the ten seconds from `bucket` on; kept for the two hours that the queue monitor shows.
throughput = Table(
    "throughput",
    metadata,
    Column("bucket", DateTime(timezone=True), nullable=False),
    Column("measure", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("bucket", "measure"),
)
