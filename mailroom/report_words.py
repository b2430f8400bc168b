"""The words, numbers and days of the report by mail, in Indonesian and in English.

A mail is written in the language the team chose for it, whatever the language of whoever looks at the pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from mailroom.gallery import Language
from mailroom.periods import Range

WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "title": "Delivery report",
        "none": "No mail was handed over in these days.",
        "headline": "{sent} mails were handed over to the gateway{than}. {rate} of them were delivered.",
        "headline_one": "One mail was handed over to the gateway{than}. {rate} of it was delivered.",
        "more": ", {change} more than in the {every} before",
        "fewer": ", {change} fewer than in the {every} before",
        "as_many": ", as many as in the {every} before",
        "after_none": "; in the {every} before there were none",
        "week": "week",
        "month": "month",
        "before": "before",
        "sent": "Handed over",
        "delivered": "Delivered",
        "opened": "of these, opened",
        "failed": "Could not be delivered",
        "pending": "No news yet",
        "refused": "Not taken by the gateway",
        "undecided": "Unclear whether it left",
        "median": "Half of the delivered mails had arrived within {time}, as far as we know.",
        "templates": "Most used templates",
        "template": "Template",
        "rest": "and {n} more",
        "needs": "What needs somebody",
        "needs_rest": "And {n} more of this kind; the dashboard shows all.",
        "needs_nothing": "Nothing: at the time of writing no mail waits for anybody.",
        "needs_undecided": "{n} mails wait for somebody to decide whether they left.",
        "needs_undecided_one": "One mail waits for somebody to decide whether it left.",
        "needs_batches": "{n} batches have stopped and wait for somebody.",
        "needs_batches_one": "One batch has stopped and waits for somebody.",
        "needs_token": "The token “{name}” does not work any more. Nothing is sent with it until it is replaced.",
        "needs_domain": "{failed} of {sent} mails to {domain} could not be delivered.",
        "open": "Open the report",
        "footer_week": "OCA Mailroom sends this every Monday to those of your team who were chosen for it. An admin "
        "can change that on the page “Report by mail”.",
        "footer_month": "OCA Mailroom sends this on the first of every month to those of your team who were chosen "
        "for it. An admin can change that on the page “Report by mail”.",
        "trail": "The activity trail ends with entry {head}.",
        "seconds": "{n} seconds",
        "minutes": "{n} minutes",
        "hours": "{n} hours",
    },
    "id": {
        "title": "Laporan pengiriman",
        "none": "Tidak ada email yang diserahkan pada hari-hari ini.",
        "headline": "{sent} email diserahkan ke gateway{than}. {rate} di antaranya sampai.",
        "headline_one": "Satu email diserahkan ke gateway{than}. {rate} di antaranya sampai.",
        "more": ", {change} lebih banyak daripada {every} sebelumnya",
        "fewer": ", {change} lebih sedikit daripada {every} sebelumnya",
        "as_many": ", sama banyak dengan {every} sebelumnya",
        "after_none": "; {every} sebelumnya tidak ada",
        "week": "minggu",
        "month": "bulan",
        "before": "sebelumnya",
        "sent": "Diserahkan",
        "delivered": "Sampai",
        "opened": "di antaranya dibuka",
        "failed": "Tidak dapat disampaikan",
        "pending": "Belum ada kabar",
        "refused": "Tidak diterima gateway",
        "undecided": "Belum jelas terkirim",
        "median": "Separuh dari email yang sampai tiba dalam {time}, sejauh yang kami ketahui.",
        "templates": "Template yang paling banyak dipakai",
        "template": "Template",
        "rest": "dan {n} lagi",
        "needs": "Yang perlu ditangani",
        "needs_rest": "Dan {n} hal lain; semuanya ada di dashboard.",
        "needs_nothing": "Tidak ada: saat ini tidak ada email yang menunggu siapa pun.",
        "needs_undecided": "{n} email menunggu keputusan apakah sudah terkirim.",
        "needs_undecided_one": "Satu email menunggu keputusan apakah sudah terkirim.",
        "needs_batches": "{n} batch terhenti dan menunggu ditangani.",
        "needs_batches_one": "Satu batch terhenti dan menunggu ditangani.",
        "needs_token": "Token “{name}” tidak berlaku lagi. Tidak ada email yang terkirim dengannya sampai diganti.",
        "needs_domain": "{failed} dari {sent} email ke {domain} tidak dapat disampaikan.",
        "open": "Buka laporan",
        "footer_week": "OCA Mailroom mengirim laporan ini setiap hari Senin kepada anggota tim yang dipilih. Admin "
        "dapat mengubahnya di halaman “Laporan lewat email”.",
        "footer_month": "OCA Mailroom mengirim laporan ini setiap tanggal 1 kepada anggota tim yang dipilih. Admin "
        "dapat mengubahnya di halaman “Laporan lewat email”.",
        "trail": "Jejak aktivitas berakhir pada entri {head}.",
        "seconds": "{n} detik",
        "minutes": "{n} menit",
        "hours": "{n} jam",
    },
}


@dataclass(frozen=True)
class Speech:
    """How things are said in one language."""

    language: Language

    def __call__(self, word: str, **values: object) -> str:
        """The sentence of that name, with its values."""
        return WORDS[self.language][word].format(**values)

    def many(self, word: str, n: int) -> str:
        """The sentence about `n` things, or the one about a single thing."""
        return self(word, n=self.number(n)) if n != 1 else self(f"{word}_one")

    def number(self, n: int) -> str:
        """A whole number with separators."""
        return format_decimal(n, locale=self.language)

    def percent(self, share: float) -> str:
        """A share, 0 to 1, with one decimal where it has one; never rounded up to all, nor down to nothing."""
        if 0 < share < 1:
            share = min(max(share, 0.001), 0.999)
        return format_percent(share, format="#,##0.#%", locale=self.language)

    def change(self, share: float) -> str:
        """A change against before, as a share of it, in whole percent; at least one."""
        return format_percent(max(share, 0.01), format="#,##0%", locale=self.language)

    def days(self, within: Range) -> str:
        """The days in as few words as tell them: `November 2026`, `16–22 November 2026`."""
        first, last = within.first, within.last
        if (first.month, first.year) == (last.month, last.year):
            return self._day(last, "MMMM y") if _whole_month(within) else f"{first.day}–{self._day(last)}"
        return f"{self._day(first, 'd MMMM' if first.year == last.year else 'd MMMM y')} – {self._day(last)}"

    def column(self, within: Range) -> str:
        """The same for the head of a narrow column: `Nov 2026`, `16–22 Nov`."""
        first, last = within.first, within.last
        if _whole_month(within):
            return self._day(last, "MMM y")
        same = first.month == last.month
        return (
            f"{first.day}–{self._day(last, 'd MMM')}"
            if same
            else (f"{self._day(first, 'd MMM')} – {self._day(last, 'd MMM')}")
        )

    def time(self, seconds: int) -> str:
        """A time in the unit people would use."""
        unit, n = ("seconds", seconds) if seconds < 120 else ("minutes", round(seconds / 60))
        if seconds >= 7200:
            unit, n = "hours", round(seconds / 3600)
        return self(unit, n=self.number(n))

    def _day(self, day: date, pattern: str = "d MMMM y") -> str:
        return format_date(day, pattern, locale=self.language)


def _whole_month(within: Range) -> bool:
    first, after = within.first, within.last + timedelta(days=1)
    return first.day == 1 == after.day and within.days <= 31
