"""``python -m flights.arrive``: the next months come from upstream; $ARRIVE says how many, one by default."""

from __future__ import annotations

import os
from pathlib import Path

from flights import data, shown


def arrive(root: Path, count: int) -> list[Path]:
    """Move the earliest months to production, each in one rename; return where they are now."""
    target = root / "production"
    target.mkdir(parents=True, exist_ok=True)
    return [path.rename(target / path.name) for path in data.months(root / "upstream")[:count]]


def main() -> None:
    """Bring what comes next, or say that there is nothing left."""
    count = int(os.environ.get("ARRIVE", "1"))
    came = arrive(Path(os.environ["OPSCONSOLE_WORKSPACE"]) / "data", count)
    for path in came:
        shown.say(f"{path.stem} arrived", shown.GREEN)
    if count and not came:
        shown.say("nothing left upstream", shown.YELLOW)


if __name__ == "__main__":
    main()
