"""When a batch goes out and how fast: the form's fields, and what comes of them in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, request
from flask_babel import get_locale, to_user_timezone
from flask_babel import gettext as _

from mailroom import plans, preferences, progress, tokens
from mailroom.batches import Batch, Policy
from mailroom.plans import Hours, Plan
from mailroom.problems import Problem
from mailroom.progress import Estimate
from mailroom.times import parse
from views.here import service
from views.words import at, colon, number, when

FIELDS = ("day", "at", "office_hours", "per_minute", "policy")


@dataclass(frozen=True)
class PlanForm:
    """What was chosen: what was typed, the plan it makes, or what is wrong with it (then the plan is at once)."""

    typed: Mapping[str, str]
    plan: Plan
    policy: Policy
    problem: Problem | None = None

    @property
    def status(self) -> int:
        """The answer's status: what was sent is refused, what is still being typed is not."""
        return 422 if self.problem and request.method == "POST" else 200


def read(sent: Mapping[str, str]) -> PlanForm:
    """The fields as they were sent, empty where they were not."""
    typed = {name: sent.get(name, "") for name in FIELDS}
    policy: Policy = "never_lost" if typed["policy"] == "never_lost" else "never_twice"
    zone, now = service().settings.zone, service().clock()
    try:
        plan = plans.chosen(
            typed["day"], typed["at"], typed["office_hours"] == "1", typed["per_minute"], zone, now
        )
    except Problem as problem:
        return PlanForm(typed, plans.AT_ONCE, policy, problem)
    return PlanForm(typed, plan, policy)


def of(plan: Plan, policy: str = "") -> PlanForm:
    """The form filled with a plan that there is already."""
    start = to_user_timezone(plan.start_at) if plan.start_at else None
    typed = {
        "day": start.strftime("%Y-%m-%d") if start else "",
        "at": start.strftime("%H:%M") if start else "",
        "office_hours": "1" if plan.office_hours else "",
        "per_minute": str(round(plan.per_minute)) if plan.per_minute else "",
        "policy": policy,
    }
    return PlanForm(typed, plan, "never_lost" if policy == "never_lost" else "never_twice")


def kept(sent: Mapping[str, str]) -> dict[str, str]:
    """What was typed, for the address of the page that shows it again."""
    return {name: sent[name] for name in FIELDS if sent.get(name)}


def hours() -> Hours:
    """The team's business hours."""
    return Hours.of(preferences.get(service().store), service().settings.zone)


def reckoned(form: PlanForm, token_id: int, mails: int, batch_id: int = 0) -> dict[str, Any]:
    """When it will be done, and whether the token lives that long."""
    store, now = service().store, service().clock()
    per_second = service().clients.pace(token_id).per_second
    estimate = progress.estimate(store, token_id, mails, per_second, now, batch_id, form.plan, hours())
    return {
        "form": form,
        "estimate": estimate,
        "in_time": _in_time(estimate, tokens.get(store, token_id, now).expires_at),
        "hours_words": hours_words(),
        "zone": service().settings.zone.key,
        "today": to_user_timezone(now).strftime("%Y-%m-%d"),
        "last_day": to_user_timezone(now + plans.LONGEST_AHEAD).strftime("%Y-%m-%d"),
    }


def hours_words() -> str:
    """The team's business hours in words: Mon–Fri 08:00–17:00."""
    office, locale = hours(), get_locale()
    names: Mapping[int, str] = locale.days["format"]["abbreviated"] if locale else {}
    days = sorted(office.days)
    said = [names.get(day, str(day)) for day in days]
    in_a_row = len(days) > 2 and days[-1] - days[0] == len(days) - 1
    listed = f"{said[0]}–{said[-1]}" if in_a_row else ", ".join(said)
    return f"{listed} {office.opens:%H:%M}–{office.closes:%H:%M}".replace(":", colon())


def day_and_time(moment: Any) -> str:
    """A moment somebody chose, in the team's zone, with its weekday: Mon 23 Nov 09:00."""
    return at(parse(moment) if isinstance(moment, str) else moment, "EEE d MMM HH:mm")


def plan_words(plan: Plan) -> str:
    """A plan in a few words: not before Mon 23 Nov 09:00, in business hours (…), at most 60 a minute."""
    parts = [_("not before %(when)s", when=day_and_time(plan.start_at)) if plan.start_at else _("at once")]
    if plan.office_hours:
        parts.append(_("only in business hours (%(hours)s)", hours=hours_words()))
    if plan.per_minute:
        parts.append(_("at most %(n)s a minute", n=number(plan.per_minute)))
    return ", ".join(parts)


def goes_on(waits_until: Any) -> str:
    """When a batch goes on, in as few words as tell it: 08:00 today, Mon 08:00 within the week, or the day."""
    now, then = to_user_timezone(service().clock()), to_user_timezone(waits_until)
    if then.date() == now.date():
        return when(waits_until, "short")
    return at(waits_until, "EEE HH:mm") if (then - now).days < 6 else day_and_time(waits_until)


def schedule_words(batch: Batch) -> str:
    """What a batch's plan means for it now, or "": Scheduled for Mon 23 Nov 09:00; Business hours: goes on at 08:00."""
    if batch.finished or batch.state == "cancelled":
        return ""
    parts = []
    if batch.starts_later:
        parts.append(_("Scheduled for %(when)s", when=day_and_time(batch.waits_until or batch.plan.start_at)))
    elif batch.plan.office_hours and batch.waits_until:
        parts.append(_("Business hours: goes on at %(when)s", when=goes_on(batch.waits_until)))
    elif batch.plan.office_hours:
        parts.append(_("Only in business hours"))
    if batch.plan.per_minute:
        parts.append(_("%(n)s a minute", n=number(batch.plan.per_minute)))
    return " · ".join(parts)


def init(app: Flask) -> None:
    """Makes the words about plans known to the page templates, as filters."""
    app.jinja_env.filters.update(
        day_and_time=day_and_time, plan_words=plan_words, schedule_words=schedule_words
    )


def _in_time(estimate: Estimate, expires_at: str | None) -> dict[str, Any] | None:
    """How many mails go before the token expires; None when all do, or it never does."""
    if not expires_at or parse(expires_at) >= estimate.done_at:
        return None
    return {"expires_at": expires_at, "mails": estimate.out_by(parse(expires_at))}
