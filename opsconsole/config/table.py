"""The base class of every table of ``opsconsole.toml``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NAME_RULE = "letters, digits, `.`, `_` and `-`, a letter or digit first, 64 at most"
Name = Annotated[str, Meta(pattern=NAME_PATTERN, description=NAME_RULE)]
"""A name of a repo, pipeline, model, monitor or alias: letters, digits, ``.``, ``_``, ``-``."""


class Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A TOML table that refuses keys it does not know."""
