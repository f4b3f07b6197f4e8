"""What alibi-detect says; run by its own interpreter: ``alibi_detect_side.py TASK FOLDER ROWS``."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift


def matrices(reference: pd.DataFrame, current: pd.DataFrame) -> tuple[Any, Any, dict[int, list[int]]]:
    """Turn categories into numbers, those of both sides together."""
    mine, theirs, categories = reference.copy(), current.copy(), {}
    for place, name in enumerate(reference):
        if not pd.api.types.is_numeric_dtype(reference[name]):
            values = sorted({*reference[name].dropna(), *current[name].dropna()})
            numbers = {value: number for number, value in enumerate(values)}
            mine[name], theirs[name] = reference[name].map(numbers), current[name].map(numbers)
            categories[place] = list(range(len(values)))
    return mine.to_numpy(dtype=np.float64), theirs.to_numpy(dtype=np.float64), categories


def drift(reference: pd.DataFrame, current: pd.DataFrame) -> Any:
    mine, theirs, categories = matrices(reference, current)
    found = TabularDrift(mine, p_val=0.05, categories_per_feature=categories or None)
    return found.predict(theirs, drift_type="feature", return_distance=True)["data"]


def values(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    """Measure the first chunk, each column without its missing values: it knows none."""
    said: dict[str, float] = {}
    for name in reference:
        mine, theirs = reference[[name]].dropna(), current[[name]].iloc[:rows].dropna()
        told = drift(mine, theirs)
        kind = "ks" if pd.api.types.is_numeric_dtype(reference[name]) else "chi2"
        said |= {f"{kind} {name}": float(told["distance"][0]), f"{kind}_p {name}": float(told["p_val"][0])}
    return said


def speed(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        drift(reference, current)
        taken.append(time.perf_counter() - start)
    return {"TabularDrift": float(np.median(taken)), "runs": len(taken)}


def main() -> None:
    task, folder, rows = sys.argv[1:]
    reference, current = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("reference", "current"))
    answer = {"values": values, "speed": speed}[task](reference, current, int(rows))
    print(json.dumps(answer | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
