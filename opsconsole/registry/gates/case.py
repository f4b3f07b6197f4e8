"""The case that gates judge: a version, its target rung, the champion, and the rung's rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from opsconsole.config.schema import GatesConfig, ModelConfig
from opsconsole.config.workspace import Workspace
from opsconsole.registry.gates.contest import Contest
from opsconsole.registry.gates.gate import Gate
from opsconsole.store.connection import Store
from opsconsole.store.models import Version


class Fact(StrEnum):
    """A fact that a gate needs and another room knows."""

    TESTS_AT_COMMIT = "tests at the commit"
    REASON_GIVEN = "reason given"


@dataclass(frozen=True)
class TestsAtCommit:
    """What is known of the tests at a version's commit; supplied by the room that knows the runs."""

    __test__ = False

    run_id: int | None = None
    passed: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Facts:
    """Facts from other rooms; None: not asked for, so that gates which need it are not judged yet."""

    tests: TestsAtCommit | None = None
    reason: str | None = None

    @property
    def known(self) -> frozenset[Fact]:
        """Which of them are there."""
        values = {Fact.TESTS_AT_COMMIT: self.tests, Fact.REASON_GIVEN: self.reason}
        return frozenset(fact for fact, value in values.items() if value is not None)


@dataclass(frozen=True)
class Case:
    """A version that wants ``alias``, and against whom; ``champion`` None: nobody holds a rung yet."""

    workspace: Workspace
    store: Store
    challenger: Version
    champion: Version | None
    alias: str
    config: ModelConfig
    rules: GatesConfig
    """What the rung asks."""
    facts: Facts
    contest: Contest | None
    """The rows to judge on; None when there are none, or they are spoiled."""
    same_rows: Gate
    """Whether they may be judged on."""
