"""Words that name a state are made when they are shown: a promotion or a rollback later they say something else."""

from __future__ import annotations

from opsconsole.core import clock
from opsconsole.core.nouns import AlertState, PromotionKind, Severity
from opsconsole.lifecycle.inbox import waiting
from opsconsole.lifecycle.monitors.whereabouts import became, where
from opsconsole.store import promotions
from opsconsole.store.alerts import Alert, alerts
from tests.model_workspace import Shop


def move(shop: Shop, to: int, kind: PromotionKind = PromotionKind.PROMOTE) -> None:
    held = promotions.alias(shop.store, "m", "production")
    with shop.store.immediate() as connection:
        promotions.move(
            connection,
            kind=kind,
            model="m",
            name="production",
            to_version=to,
            revision=held.revision if held else 0,
            reason="r",
            actor="tess",
            gates=[],
            forced=[],
        )


def raised(shop: Shop, version: int) -> Alert:
    now = clock.to_text(clock.now())
    with shop.store.immediate() as connection:
        connection.execute(
            "INSERT INTO alerts (monitor, model, alias, version, severity, state, title, evidence, opened_at, changed_at)"
            " VALUES ('w', 'm', 'production', ?, ?, ?, 'it fell', '[]', ?, ?)",
            (version, Severity.CRITICAL, AlertState.OPEN, now, now),
        )
    return alerts(shop.store)[0]


def test_an_alert_says_where_its_version_is_now(shop: Shop) -> None:
    shop.version()
    shop.version()
    move(shop, 1)
    alert = raised(shop, 1)
    assert where(shop.store, alert) == "m v1 in production"
    move(shop, 2)
    assert where(shop.store, alert) == "m v1, v2 is in production now"
    assert [item.title for item in waiting(shop.workspace, shop.store) if item.kind == "alert"] == [
        where(shop.store, alert)
    ]


def test_an_answer_says_what_became_of_it(shop: Shop) -> None:
    shop.version()
    shop.version()
    move(shop, 1)
    assert became(shop.store, "m", 2) == "in candidate"
    move(shop, 2)
    assert became(shop.store, "m", 2) == "in candidate and production"
    move(shop, 1, PromotionKind.ROLLBACK)
    assert became(shop.store, "m", 2) == "rolled back from production, in candidate"
    assert became(shop.store, "m", 1) == "in production"
