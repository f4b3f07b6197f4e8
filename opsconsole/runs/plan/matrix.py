"""Matrices: one step written, many variants planned. Pure."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opsconsole.config.schema import PipelineConfig, Scalar, StepConfig
from opsconsole.core.errors import ConfigError

MOST = 256
"""Variants of one step."""
MOST_TRIED = 1 << 16
"""Combinations of a step's matrix, those that are excluded too, and comparisons with the rules that exclude them."""
MOST_STEPS = 1_000
"""Steps of one pipeline, with all their variants."""


@dataclass(frozen=True)
class Variant:
    """A step with one combination of its matrix."""

    step: StepConfig
    name: str
    """``test.3.12-sqlite``; the step's own name without a matrix."""
    values: tuple[tuple[str, str], ...]

    @property
    def variables(self) -> dict[str, str]:
        """The step's variables of this variant."""
        return {f"MATRIX_{key.upper()}": value for key, value in self.values}

    def agrees(self, other: Variant) -> bool:
        """Whether nothing that both are about differs: a step needs the variants that agree with it."""
        mine = dict(self.values)
        return all(mine.get(key, value) == value for key, value in other.values)


def expand(steps: Sequence[StepConfig], pipeline: PipelineConfig, where: str) -> list[Variant]:
    """Return every variant of every step; a pipeline's matrix counts for all of them.

    ConfigError for too many, for none, and for two of one name.
    """
    variants: list[Variant] = []
    for step in steps:
        matrix = {**pipeline.matrix, **step.matrix}
        excluded = [*pipeline.exclude, *step.exclude]
        tried = math.prod(map(len, matrix.values())) * max(len(excluded), 1)
        if tried > MOST_TRIED:
            message = f"{where}: step {step.name!r}: its matrix and what it excludes make {_many(tried)} combinations"
            raise ConfigError(message, hint=f"at most {MOST} variants of a step are possible")
        combinations = [
            dict(zip(matrix, values, strict=True))
            for values in itertools.product(*matrix.values())
            if not any(_covers(rule, dict(zip(matrix, values, strict=True))) for rule in excluded)
        ]
        if not combinations or len(combinations) > MOST:
            count = "no variant" if not combinations else f"{len(combinations)} variants"
            raise ConfigError(f"{where}: step {step.name!r} has {count}", hint=f"between 1 and {MOST} are possible")
        variants += [_variant(step, combination) for combination in combinations]
        if len(variants) > MOST_STEPS:
            raise ConfigError(
                f"{where}: more than {MOST_STEPS:,} steps, with their variants", hint="make several pipelines of it"
            )
    twice = next((name for name, times in Counter(variant.name for variant in variants).items() if times > 1), None)
    if twice is not None:
        raise ConfigError(f"{where}: two steps are named {twice!r}", hint="give each step a name of its own")
    return variants


def needed_by(variant: Variant, needs: Sequence[str], among: Sequence[Variant]) -> tuple[str, ...]:
    """Return the names of the variants that a variant waits for."""
    return tuple(other.name for need in needs for other in among if other.step.name == need and variant.agrees(other))


def _variant(step: StepConfig, combination: Mapping[str, Scalar]) -> Variant:
    values = tuple((key, _text(value)) for key, value in combination.items())
    suffix = "-".join(re.sub(r"[^A-Za-z0-9._]+", "_", value) for _, value in values)
    return Variant(step, f"{step.name}.{suffix}" if suffix else step.name, values)


def _covers(rule: Mapping[str, Scalar], combination: Mapping[str, Scalar]) -> bool:
    return all(key in combination and _text(combination[key]) == _text(value) for key, value in rule.items())


def _many(number: int) -> str:
    return f"{number:,}" if number < 10**12 else "countless"


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
