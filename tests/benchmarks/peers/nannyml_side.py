"""What nannyml says; run by its own interpreter: ``nannyml_side.py TASK FOLDER ROWS``."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import nannyml as nml
import numpy as np
import pandas as pd

NUMERIC = ("jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein")
CATEGORICAL = ("jensen_shannon", "hellinger", "chi2", "l_infinity")


def texts(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]


def drift(reference: pd.DataFrame, current: pd.DataFrame, rows: int, **how: Any) -> Any:
    calculator = nml.UnivariateDriftCalculator(
        column_names=list(reference), treat_as_categorical=texts(reference), chunk_size=rows, **how
    )
    return calculator.fit(reference).calculate(current).filter(period="analysis").to_df()


def flags(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    found = drift(reference, current, rows)
    alerts = [found[name]["jensen_shannon"]["alert"].tolist() for name in reference]
    measured = [found[name]["jensen_shannon"]["value"].tolist() for name in reference]
    return {"flags": np.array(alerts).T.tolist(), "values": np.array(measured).T.tolist()}


def values(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    """Measure the first chunk by each method."""
    chunk = current.iloc[:rows]
    found = drift(reference, chunk, rows, continuous_methods=list(NUMERIC), categorical_methods=list(CATEGORICAL))
    names = texts(reference)
    said = {
        f"{method} {name}": float(found[name][method]["value"].iloc[0])
        for name in reference
        for method in (CATEGORICAL if name in names else NUMERIC)
    }
    structure = nml.DataReconstructionDriftCalculator(column_names=list(reference), chunk_size=rows).fit(reference)
    told = structure.calculate(chunk).filter(period="analysis").to_df()
    return said | {"structure": float(told["reconstruction_error"]["value"].iloc[0])}


def performance(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    """Estimate and measure the AUC of each chunk."""
    names = {"y_pred_proba": "score", "y_pred": "guess", "y_true": "late", "problem_type": "classification_binary"}
    for frame in (reference, current):
        frame["guess"] = (frame["score"] > 0.5).astype(int)
    cbpe = nml.CBPE(metrics=["roc_auc"], chunk_size=rows, **names).fit(reference).estimate(current)
    real = nml.PerformanceCalculator(metrics=["roc_auc"], chunk_size=rows, **names).fit(reference).calculate(current)
    estimated, realised = (one.filter(period="analysis").to_df()["roc_auc"]["value"] for one in (cbpe, real))
    return {"estimated": estimated.tolist(), "realised": realised.tolist()}


def speed(reference: pd.DataFrame, current: pd.DataFrame, rows: int) -> Any:
    taken = []
    for _ in range(3 if len(current) <= 200_000 else 1):
        start = time.perf_counter()
        methods = {"continuous_methods": list(NUMERIC[::2]), "categorical_methods": list(CATEGORICAL[::2])}
        drift(reference, current, len(current) // 10, **methods)
        taken.append(time.perf_counter() - start)
    return {"JS + KS + chi2, 10 chunks": float(np.median(taken)), "runs": len(taken)}


def main() -> None:
    task, folder, rows = sys.argv[1:]
    reference, current = (pd.read_parquet(Path(folder, f"{name}.parquet")) for name in ("reference", "current"))
    known = {"flags": flags, "values": values, "performance": performance, "speed": speed}
    answer = known[task](reference, current, int(rows))
    print(json.dumps(answer | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
