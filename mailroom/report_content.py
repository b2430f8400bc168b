"""What the report by mail says: the numbers of a week or month in words, and what needs somebody now."""

from collections.abc import Iterator
from datetime import datetime

from mailroom import activity, batches, report_layout, reports, tokens
from mailroom.figures import Figures, Line
from mailroom.gallery import Language
from mailroom.periods import Range
from mailroom.report_schedule import Every
from mailroom.report_words import Speech
from mailroom.settings import Settings
from mailroom.store import Store

# From so many mails that failed, and from this share of what was sent there, a domain is worth a word.
_DOMAIN_FAILED = 5
_DOMAIN_SHARE = 0.1


def values(
    store: Store, settings: Settings, every: Every, within: Range, language: Language, now: datetime
) -> dict[str, str]:
    """What the fields of the layout are filled with: the report of these days, and what needs somebody now."""
    say = Speech(language)
    report = reports.report(store, within, "template")
    return {
        "language": language,
        "days": say.days(within),
        "days_short": say.column(within),
        "before_short": say.column(within.before),
        "headline": _headline(say, every, report.total, report.before),
        "any": "1" if report.total or report.before else "",
        "median": say("median", time=say.time(report.total.median))
        if report.total.median is not None
        else "",
        "needs_word": say("needs"),
        "templates_word": say("templates"),
        "template_word": say("template"),
        "title": say("title"),
        "open_word": say("open"),
        "footer": say(f"footer_{every}"),
        "trail": say("trail", head=activity.head(store.read()).short),
        "url": f"{settings.public_url}/reports/?from={within.first}&to={within.last}",
        **_states(say, report.total, report.before),
        **_templates(say, report.lines),
        **_needs(say, store, within, now),
    }


def _headline(say: Speech, every: Every, total: Figures, before: Figures) -> str:
    sent, was = total["sent"], before["sent"]
    if not sent:
        return say("none")
    if not was:
        than = say("after_none", every=say(every))
    elif sent == was:
        than = say("as_many", every=say(every))
    else:
        word = "more" if sent > was else "fewer"
        than = say(word, change=say.change(abs(sent - was) / was), every=say(every))
    word = "headline" if sent > 1 else "headline_one"
    return say(word, sent=say.number(sent), than=than, rate=say.percent(total.rate or 0.0))


def _states(say: Speech, total: Figures, before: Figures) -> dict[str, str]:
    whole = max(1, total["sent"] + total["refused"] + total["undecided"])
    found = {
        "sent_word": say("sent"),
        "sent": say.number(total["sent"]),
        "sent_before": say.number(before["sent"]),
    }
    for name in report_layout.STATES:
        found |= {
            f"{name}_word": say(name),
            name: say.number(total[name]),
            f"{name}_before": say.number(before[name]),
            # A few among many are still to be seen, and only all of them fill the bar.
            f"{name}_bar": str(_bar(total[name], whole) or ""),
        }
    return found


def _bar(n: int, whole: int) -> int:
    return 100 if n == whole else min(99, max(1, round(100 * n / whole))) if n else 0


def _templates(say: Speech, lines: list[Line]) -> dict[str, str]:
    used = [line for line in lines if line.figures["sent"]]
    found = {"template_rest": ""}
    for n in range(1, report_layout.TEMPLATES + 1):
        line = used[n - 1] if n <= len(used) else None
        found[f"template_{n}"] = line.name if line else ""
        found[f"template_{n}_sent"] = say.number(line.figures["sent"]) if line else "0"
        found[f"template_{n}_rate"] = say.percent(line.figures.rate or 0.0) if line else "0"
    if len(used) > report_layout.TEMPLATES:
        found["template_rest"] = say("rest", n=say.number(len(used) - report_layout.TEMPLATES))
    return found


def _needs(say: Speech, store: Store, within: Range, now: datetime) -> dict[str, str]:
    sentences, room = list(_what_needs_somebody(say, store, within, now)), report_layout.NEEDS
    if len(sentences) > room:
        sentences[room - 1 :] = [say("needs_rest", n=say.number(len(sentences) - room + 1))]
    found = {f"need_{n}": sentences[n - 1] if n <= len(sentences) else "" for n in range(1, room + 1)}
    return {**found, "needs_nothing": "" if sentences else say("needs_nothing")}


def _what_needs_somebody(say: Speech, store: Store, within: Range, now: datetime) -> Iterator[str]:
    if undecided := batches.undecided(store):
        yield say.many("needs_undecided", undecided)
    if stopped := batches.stopped(store, now):
        yield say.many("needs_batches", stopped)
    for token in tokens.all_tokens(store, now):
        if token.state in ("stopped", "expired"):
            yield say("needs_token", name=token.name)
    for line in reports.report(store, within, "domain").lines:
        failed, sent = line.figures["failed"], line.figures["sent"]
        if failed >= _DOMAIN_FAILED and failed >= _DOMAIN_SHARE * sent:
            yield say("needs_domain", failed=say.number(failed), sent=say.number(sent), domain=line.name)
