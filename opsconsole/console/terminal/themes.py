"""The console's colours by meaning: a quiet dark theme of its own, and the operator's sixteen through ``ansi``."""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = {
    "tone-text": "#c8cfda",
    "tone-dim": "#7a8494",
    "tone-faint": "#3a4352",
    "tone-accent": "#5ac8e0",
    "tone-good": "#86c47a",
    "tone-bad": "#f07a72",
    "tone-warn": "#e8b765",
    "tone-champion": "#c7a0e8",
    "tone-selected": "#232b3a",
    "tone-bar": "#1b2432",
    "tone-match": "#4a4424",
}
ANSI = {
    "tone-text": "ansi_default",
    "tone-dim": "ansi_bright_black",
    "tone-faint": "ansi_bright_black",
    "tone-accent": "ansi_cyan",
    "tone-good": "ansi_green",
    "tone-bad": "ansi_red",
    "tone-warn": "ansi_yellow",
    "tone-champion": "ansi_magenta",
    "tone-selected": "ansi_blue",
    "tone-bar": "ansi_default",
    "tone-match": "ansi_magenta",
}

_SIXTEEN = BUILTIN_THEMES["ansi-dark"]

THEMES = (
    Theme(
        name="dark",
        primary="#5ac8e0",
        secondary="#c7a0e8",
        accent="#5ac8e0",
        success="#86c47a",
        warning="#e8b765",
        error="#f07a72",
        foreground="#c8cfda",
        background="#10141c",
        surface="#10141c",
        panel="#1b2432",
        dark=True,
        variables=DARK,
    ),
    replace(_SIXTEEN, name="ansi", variables={**_SIXTEEN.variables, **ANSI}),
)
