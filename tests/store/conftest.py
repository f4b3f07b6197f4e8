from __future__ import annotations

from pathlib import Path

import pytest

from opsconsole.core import belonging


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path) -> None:
    """Tests of the store fill the state folder themselves: it is ours from the first."""
    belonging.make_ours(tmp_path)
