"""Asking a peer: its script runs in the peer's own environment, reads two Parquet files and answers in JSON."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NEEDED = {
    "evidently": ("evidently", "pandas<3", "pyarrow"),
    "nannyml": ("nannyml", "statsmodels", "pandas<3", "pyarrow"),
    "alibi-detect": ("alibi-detect", "pyarrow<19"),
    "river": ("river", "pandas<3", "pyarrow"),
}
"""What makes each environment; nannyml imports statsmodels without asking for it, and both leaders break on pandas 3."""
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "PYTHONWARNINGS": "ignore"}


@dataclass(frozen=True)
class Ask:
    """A question to a peer."""

    peer: str
    task: str
    """What its script knows: ``flags``, ``values``, ``performance``, ``speed``."""
    reference: pa.Table
    current: pa.Table
    rows: int
    """How many rows of ``current`` each chunk has."""


def venvs_option(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add ``--venvs``."""
    parser.add_argument("--venvs", type=Path, required=required, help="the folder of the peers' environments")


def python_of(venvs: Path, peer: str) -> Path:
    """Return the interpreter of a peer's environment, or leave with how to make it."""
    found = venvs / peer / "bin" / "python"
    if not found.exists():
        packages = " ".join(f"'{package}'" for package in NEEDED[peer])
        folder = venvs / peer
        raise SystemExit(f"{folder} is missing:\n  python3.11 -m venv {folder} && {folder}/bin/pip install {packages}")
    return found.absolute()


def ask(question: Ask, folder: Path, venvs: Path, timeout: float = 3600) -> Any:
    """Put a question and return the answer."""
    for name, table in (("reference", question.reference), ("current", question.current)):
        pq.write_table(table, folder / f"{name}.parquet")
    return run(question.peer, question.task, folder, question.rows, venvs, timeout)


def run(peer: str, task: str, folder: Path, rows: int, venvs: Path, timeout: float = 3600) -> Any:
    """Run a peer's script on the two files of a folder."""
    script = Path(__file__).parent / f"{peer.replace('-', '_')}_side.py"
    answer = subprocess.run(
        [str(python_of(venvs, peer)), str(script), task, str(folder), str(rows)],
        capture_output=True,
        check=False,
        timeout=timeout,
        text=True,
        env={**os.environ, **QUIET},
    )
    if answer.returncode:
        raise SystemExit(f"{peer} {task} failed:\n{answer.stderr[-2000:]}")
    return json.loads(answer.stdout.splitlines()[-1])
