"""What a view asks is answered by an index, and pages by key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from opsconsole.ground import clock
from opsconsole.ground.errors import NotFoundError
from opsconsole.store import alerts, events, judgements, models, promotions
from opsconsole.store.connection import Store
from tests.shop import Left, Shop

VIEWS: dict[str, Callable[[Store], object]] = {
    "events": events.events,
    "events, paged": lambda store: events.events(store, before=9),
    "events of a kind": lambda store: events.events(store, kind="model."),
    "events of a subject": lambda store: events.events(store, subject="model m:1"),
    "models": models.models,
    "versions": lambda store: models.versions(store, "m", before=3),
    "a version": lambda store: models.version(store, "m", 1),
    "a run's version": lambda store: models.version_of_run(store, 1),
    "an alert's answers": lambda store: models.versions_of_alert(store, 1),
    "files": lambda store: models.files(store, "m", 1),
    "evaluations": lambda store: models.evaluations(store, "m", 1),
    "shared evaluation": lambda store: models.shared_evaluation(store, "m", 1, 2),
    "aliases": promotions.aliases,
    "a model's aliases": lambda store: promotions.aliases(store, "m"),
    "an alias": lambda store: promotions.alias(store, "m", "production"),
    "an alias's history": lambda store: promotions.history(store, "m", "production"),
    "judgement": lambda store: judgements.get(store, "m", 1, "production"),
    "judgements": lambda store: judgements.of_model(store, "m", "production"),
    "live alerts": lambda store: alerts.alerts(store, live=True),
    "an alert": lambda store: _or_none(lambda: alerts.alert(store, 1)),
}


def _or_none(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except NotFoundError:
        return None


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_every_view_is_answered_by_an_index(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, view: Callable[[Store], object]
) -> None:
    shop.version()
    asked: list[tuple[str, object]] = []
    rows = Store.rows

    def noted(store: Store, sql: str, parameters: tuple[object, ...] = ()) -> object:
        asked.append((sql, parameters))
        return rows(store, sql, parameters)

    monkeypatch.setattr(Store, "rows", noted)
    view(shop.store)
    assert asked
    for sql, parameters in asked:
        plan = [row["detail"] for row in rows(shop.store, f"EXPLAIN QUERY PLAN {sql}", parameters)]  # type: ignore[arg-type]
        bare = [line for line in plan if line.startswith("SCAN") and "INDEX" not in line]
        # a whole table in the order of its key is read no further than the page
        assert all(line.split()[1] in {"events", "aliases", "alerts"} for line in bare), plan
        if bare:
            assert not any("TEMP B-TREE" in line for line in plan), plan


def test_events_page_by_key_and_narrow_by_kind_subject_and_time(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.version(Left(seed=number))
    everything = events.events(shop.store)
    assert [event.id for event in everything] == sorted((event.id for event in everything), reverse=True)
    pages: list[events.Event] = []
    while page := events.events(shop.store, before=pages[-1].id if pages else None, limit=2):
        pages += page
    assert pages == everything
    assert {event.kind for event in events.events(shop.store, kind="version.")} == {"version.registered"}
    assert events.events(shop.store, kind="version") == events.events(shop.store, kind="version.")
    assert [event.kind for event in events.events(shop.store, subject="model m:2")] == ["version.registered"]
    assert events.events(shop.store, since=clock.now() + timedelta(hours=1)) == []
    assert events.events(shop.store, since=clock.now() - timedelta(hours=1)) == everything
    assert events.count(shop.store) == len(everything)


def test_an_unknown_version_is_told_with_those_there_are(shop: Shop) -> None:
    shop.version()
    with pytest.raises(NotFoundError) as unknown:
        models.version(shop.store, "m", 9)
    assert unknown.value.hint == "it has v1"
    with pytest.raises(NotFoundError, match="no version 1 of the model `n`"):
        models.version(shop.store, "n", 1)


def test_versions_page_by_key_newest_first(shop: Shop) -> None:
    for number in (1, 2, 3):
        shop.version(Left(seed=number, rows=30))
    first = models.versions(shop.store, "m", limit=2)
    rest = models.versions(shop.store, "m", before=first[-1].version, limit=2)
    assert [item.version for item in (*first, *rest)] == [3, 2, 1]
    (model,) = models.models(shop.store)
    assert (model.name, model.versions) == ("m", 3)
