"""What evidently says; run by its own interpreter: ``evidently_side.py TASK FOLDER ROWS``."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

P_VALUES = {"K-S", "chi-square", "Z-test", "ks", "chisquare", "z"}


def definition(frame: pd.DataFrame) -> DataDefinition:
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    return DataDefinition(numerical_columns=numbers, categorical_columns=[one for one in frame if one not in numbers])


def drift(reference: pd.DataFrame, current: pd.DataFrame, **how: Any) -> tuple[dict[str, tuple[float, bool]], bool]:
    """Return value and verdict of each column, and the verdict on the whole."""
    known = definition(reference)
    mine, theirs = Dataset.from_pandas(reference, known), Dataset.from_pandas(current, known)
    found, share = {}, 0.0
    for metric in Report([DataDriftPreset(**how)]).run(theirs, mine).dict()["metrics"]:
        config = metric["config"]
        if "column" not in config:
            share = metric["value"]["share"]
            continue
        value, limit = float(metric["value"]), config["threshold"]
        small = any(name in config["method"] for name in P_VALUES)
        found[config["column"]] = value, value < limit if small else value >= limit
    return found, share >= 0.5


def flags(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    said: dict[str, list[Any]] = {"flags": [], "values": [], "dataset": []}
    for first in range(0, len(current), rows):
        columns, whole = drift(reference, current.iloc[first : first + rows])
        said["flags"].append([bool(columns[name][1]) for name in reference])
        said["values"].append([columns[name][0] for name in reference])
        said["dataset"].append(bool(whole))
    return said


def values(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    """Measure the first chunk by each method."""
    chunk, found = current.iloc[:rows], {}
    for number, category in (("psi", "psi"), ("jensenshannon", "jensenshannon"), ("ks", "chisquare")):
        columns, _ = drift(reference, chunk, num_method=number, cat_method=category)
        for name in reference:
            numeric = pd.api.types.is_numeric_dtype(reference[name])
            found[f"{number if numeric else category} {name}"] = columns[name][0]
    columns, _ = drift(reference, chunk, num_method="wasserstein", cat_method="TVD")
    for name in reference:
        if pd.api.types.is_numeric_dtype(reference[name]):
            found[f"wasserstein {name}"] = columns[name][0]
    return found


def speed(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    taken = []
    for _ in range(3 if len(current) <= 200_000 else 1):
        start = time.perf_counter()
        drift(reference, current)
        taken.append(time.perf_counter() - start)
    return {"default preset": float(np.median(taken)), "runs": len(taken)}


def main() -> None:
    task, folder, rows = sys.argv[1:]
    reference, current = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("reference", "current"))
    answer = {"flags": flags, "values": values, "speed": speed}[task](reference, current, int(rows))
    print(json.dumps(answer | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
