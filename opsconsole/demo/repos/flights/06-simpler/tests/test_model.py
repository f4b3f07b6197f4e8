"""The model is small enough to be read."""

from __future__ import annotations

import pyarrow as pa

from flights import data, model, train


def test_it_reads_only_what_it_names(flights: pa.Table) -> None:
    assert [column.name for column in train.fit(data.labelled(flights)).columns] == list(model.COLUMNS)
