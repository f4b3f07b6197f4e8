"""Real repos for the tests of this room."""

from __future__ import annotations

import subprocess
from pathlib import Path

from opsconsole.testrunners.detection import Detection, detect_in


def detected(files: dict[str, str], *, isolated: bool = True) -> list[Detection]:
    """Return what is detected in a commit of these files."""
    content = {name: text.encode("utf-8", "surrogateescape") for name, text in files.items()}

    def read(paths: list[str]) -> dict[str, bytes]:
        return {path: content[path] for path in paths if path in content}

    return detect_in(sorted(content), read, isolated=isolated)


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
