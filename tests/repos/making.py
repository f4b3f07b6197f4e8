"""Real repos for the tests of this room."""

from __future__ import annotations

import subprocess
from pathlib import Path


def run_git(repo: Path, *arguments: str) -> str:
    answer = subprocess.run(["git", "-C", str(repo), *arguments], check=True, capture_output=True)
    return answer.stdout.decode("utf-8", "replace").strip()


def commit(repo: Path, message: str = "Begin", **files: str) -> str:
    for name, content in files.items():
        write(repo, name, content)
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "--allow-empty", "-m", message)
    return run_git(repo, "rev-parse", "HEAD")


def write(repo: Path, name: str, content: str) -> None:
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
