"""Two versions side by side: metrics with intervals, what differs, and ROC curves, computed by the CLI twin."""

from __future__ import annotations

from typing import Any

from opsconsole.console.dialogs.sheet import SheetDialog
from opsconsole.console.models.gate_row import changes_words
from opsconsole.console.widgets.plots import Line, Series, legend, line_plot
from opsconsole.console.widgets.rows import BLANK, Row, heading, note
from opsconsole.console.widgets.tones import Cell, Column, Tone, Toned
from opsconsole.core import text
from opsconsole.store.judgements import Changes

METRICS = (
    Column(width=20),
    Column(width=8, right=True),
    Column(width=8, right=True),
    Column(width=10, right=True),
    Column(width=18, right=True),
    Column(least=8),
)
PAIR = (Column(width=20), Column(least=20))
WIDE = (Column(),)


class CompareDialog(SheetDialog):
    """A is the champion's side, B the challenger's."""

    use_case = "model.compare"
    waiting = "comparing …"

    def __init__(self, model: str, a: int, b: int) -> None:
        super().__init__()
        self.model, self.a, self.b = model, a, b

    def title_text(self) -> str:
        """Name the two."""
        return f" {self.model}  v{self.a} and v{self.b} "

    def values(self) -> dict[str, object]:
        """Ask for the two."""
        return {"model": self.model, "a": self.a, "b": self.b}

    def rows(self, data: dict[str, Any]) -> list[Row]:
        """Return metrics, what changes sides, curves, and what else differs."""
        head: tuple[Cell, ...] = tuple(
            Toned(title, "dim") for title in ("metric", f"v{self.a}", f"v{self.b}", "better by", "95 % CI", "p")
        )
        rows = [note(f"not comparable: {data['why']}")]
        if data["comparable"]:
            doubt = [note(f"not to be believed: {data['why']}"), BLANK] if data["why"] else []
            caption = Toned(f"   {data['rows']:,} rows that both scored", "dim")
            rows = [*doubt, heading("METRICS", None, caption), Row(None, head, METRICS)]
            rows += [_metric_row(metric) for metric in data["metrics"]]
        if data["own"]:
            caption = Toned("   each on rows of its own: not comparable", "dim")
            rows += [BLANK, heading("OWN NUMBERS", len(data["own"]), caption)]
            rows += [_own_row(metric) for metric in data["own"]]
        if data["changes"]:
            rows += [BLANK, Row(None, (changes_words(Changes(**data["changes"])),), WIDE)]
        rows += [BLANK, *_roc(data["plots"], self.a, self.b)]
        rows += [BLANK, heading("PARAMS that differ", len(data["params"]))]
        rows += [Row(None, (item["name"], f"{item['a']}  →  {item['b']}"), PAIR) for item in data["params"]]
        changed = [f"{word} {', '.join(names)}" for word, names in data["columns"].items() if names]
        rows += [BLANK, heading("SIGNATURE"), note("; ".join(changed) or "the same columns")]
        return rows


def _metric_row(metric: dict[str, Any]) -> Row:
    low, high = metric["low"], metric["high"]
    tone = "dim" if low is None else "good" if low > 0 else "bad" if high < 0 else "warn"
    cells: tuple[Cell, ...] = (
        metric["name"],
        text.decimals(metric["a"]),
        text.decimals(metric["b"]),
        Toned(text.decimals(metric["difference"], signed=True) if metric["difference"] is not None else "", tone),  # type: ignore[arg-type]
        Toned(f"{text.decimals(low)} – {text.decimals(high)}" if low is not None else "", "dim"),
        Toned(text.p_value(metric["p"]) if metric["p"] is not None else "", "dim"),
    )
    return Row(None, cells, METRICS)


def _own_row(metric: dict[str, Any]) -> Row:
    cells = (
        metric["name"],
        Toned(text.decimals(metric["a"]), "dim"),
        Toned(text.decimals(metric["b"]), "dim"),
        "",
        "",
        "",
    )
    return Row(None, cells, METRICS)


def _roc(plots: dict[str, Any], a: int, b: int) -> list[Row]:
    sides: tuple[tuple[str, Tone, Line], ...] = (("a", "champion", "solid"), ("b", "accent", "dotted"))
    curves = [(plots.get(side, {}).get("roc"), tone, line) for side, tone, line in sides]
    drawn = [
        Series([x for x, _ in points], [y for _, y in points], tone, line) for points, tone, line in curves if points
    ]
    if not drawn:
        return []
    title = heading("ROC", None, legend(f"v{a}", "solid", "champion"), legend(f"v{b}", "dotted", "accent"))
    return [title, *(Row(None, (line,), WIDE) for line in line_plot(drawn, width=70, height=14, limits=(0.0, 1.0)))]
