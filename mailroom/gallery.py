"""Mails to start from: six purposes in Indonesian and in English, written in MJML, each with values to look at it.

The mails themselves are the files of `gallery/`; nothing in them is fetched from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from oca.words import N_

Language = Literal["id", "en"]

# What every mail of the gallery leaves to be written by whoever starts from it.
PLACEHOLDERS = ("Nama Perusahaan", "Alamat, Kota", "Your Company", "Address, City")

_FOLDER = Path(__file__).parent / "gallery"


@dataclass(frozen=True)
class Starter:
    """One mail of the gallery.

    key: its name in addresses, such as `invoice-id`. name: for the new template, in the mail's language. purpose: what
    it is for, one sentence to be translated. samples: a value for each of its fields.
    """

    key: str
    name: str
    purpose: str
    subject: str
    samples: Mapping[str, str]
    marketing: bool = False

    @property
    def language(self) -> str:
        """The language of the mail: `id` or `en`."""
        return self.key.rpartition("-")[2]

    @property
    def mjml(self) -> str:
        """The mail as it is written."""
        return (_FOLDER / f"{self.key}.mjml").read_text(encoding="utf-8")


def starters(language: Language) -> list[Starter]:
    """The six mails of one language, in the order of their use."""
    return [one for one in _STARTERS.values() if one.language == language]


def starter(key: str) -> Starter | None:
    """The mail with that key, or None."""
    return _STARTERS.get(key)


def sample(field: str) -> str:
    """A value to try a field of that name with, "" for one that no mail of the gallery has."""
    return next((one.samples[field] for one in _STARTERS.values() if field in one.samples), "")


_BILL = N_("What is owed, until when, and a button to pay.")
_CODE = N_("A code to sign in or confirm with, and how long it is valid.")
_WELCOME = N_("A greeting for somebody new, with the first three steps.")
_NEWS = N_("Something changes, or something is new: what, from when, where to read on.")
_EVENT = N_("Where and when, and a button to say yes.")
_RECEIPT = N_("What was paid, when and how; the proof of it.")

_ALL = (
    Starter(
        "invoice-id",
        "Tagihan",
        _BILL,
        "Tagihan {{ nomor }} untuk {{ periode }}",
        {
            "nama": "Ibu Siti Aminah",
            "nomor": "INV-2026-1123",
            "periode": "November 2026",
            "total": "1250000",
            "jatuh_tempo": "2026-11-30",
            "tautan": "https://contoh.id/bayar",
        },
    ),
    Starter(
        "code-id",
        "Kode verifikasi",
        _CODE,
        "{{ kode }} adalah kode verifikasi Anda",
        {"nama": "Ibu Siti Aminah", "kode": "482 913", "berlaku": "10 menit"},
    ),
    Starter(
        "welcome-id",
        "Selamat datang",
        _WELCOME,
        'Selamat datang, {{ nama|default("Bapak/Ibu") }}',
        {
            "nama": "Ibu Siti Aminah",
            "akun": "siti@contoh.id",
            "tautan": "https://contoh.id/masuk",
            "pendamping": "Budi Santoso",
        },
    ),
    Starter(
        "announcement-id",
        "Pengumuman",
        _NEWS,
        "Pengumuman: {{ judul }}",
        {
            "nama": "Ibu Siti Aminah",
            "judul": "Kantor layanan kami pindah",
            "ringkasan": "Kami pindah ke gedung yang lebih mudah dijangkau, dekat stasiun.",
            "mulai": "2026-12-01",
            "tautan": "https://contoh.id/berita",
        },
        marketing=True,
    ),
    Starter(
        "event-id",
        "Undangan acara",
        _EVENT,
        "Undangan: {{ acara }}, {{ tanggal|tanggal }}",
        {
            "nama": "Ibu Siti Aminah",
            "acara": "Temu Pelanggan 2026",
            "tanggal": "2026-12-12",
            "jam": "09.00–12.00 WIB",
            "tempat": "Gedung Merdeka",
            "alamat": "Jl. Asia Afrika No. 65, Bandung",
            "tautan": "https://contoh.id/hadir",
            "batas": "2026-12-05",
        },
        marketing=True,
    ),
    Starter(
        "receipt-id",
        "Kuitansi",
        _RECEIPT,
        "Kuitansi {{ nomor }}: {{ jumlah|rupiah }}",
        {
            "nama": "Ibu Siti Aminah",
            "nomor": "KW-2026-0418",
            "tanggal": "2026-11-23",
            "keperluan": "Langganan November",
            "cara": "Transfer bank",
            "jumlah": "1250000",
            "tautan": "https://contoh.id/kuitansi",
        },
    ),
    Starter(
        "invoice-en",
        "Invoice",
        _BILL,
        "Invoice {{ number }} for {{ period }}",
        {
            "name": "Ms Siti Aminah",
            "number": "INV-2026-1123",
            "period": "November 2026",
            "total": "1250000",
            "due_date": "30 November 2026",
            "link": "https://contoh.id/pay",
        },
    ),
    Starter(
        "code-en",
        "Verification code",
        _CODE,
        "{{ code }} is your verification code",
        {"name": "Siti", "code": "482 913", "valid": "10 minutes"},
    ),
    Starter(
        "welcome-en",
        "Welcome",
        _WELCOME,
        "Welcome{% if name %}, {{ name }}{% endif %}",
        {
            "name": "Siti",
            "account": "siti@contoh.id",
            "link": "https://contoh.id/sign-in",
            "contact": "Budi Santoso",
        },
    ),
    Starter(
        "announcement-en",
        "Announcement",
        _NEWS,
        "News: {{ headline }}",
        {
            "name": "Ms Siti Aminah",
            "headline": "Our service office is moving",
            "summary": "We are moving to a building that is easier to reach, close to the station.",
            "start_date": "1 December 2026",
            "link": "https://contoh.id/news",
        },
        marketing=True,
    ),
    Starter(
        "event-en",
        "Event invitation",
        _EVENT,
        "Invitation: {{ event }}, {{ date }}",
        {
            "name": "Ms Siti Aminah",
            "event": "Customer Day 2026",
            "date": "12 December 2026",
            "time": "9 am – 12 noon",
            "place": "Gedung Merdeka",
            "address": "Jl. Asia Afrika 65, Bandung",
            "link": "https://contoh.id/attend",
            "reply_by": "5 December 2026",
        },
        marketing=True,
    ),
    Starter(
        "receipt-en",
        "Receipt",
        _RECEIPT,
        "Receipt {{ number }}: {{ amount|rupiah }}",
        {
            "name": "Ms Siti Aminah",
            "number": "R-2026-0418",
            "date": "23 November 2026",
            "purpose": "Subscription, November",
            "method": "Bank transfer",
            "amount": "1250000",
            "link": "https://contoh.id/receipt",
        },
    ),
)
_STARTERS = {one.key: one for one in _ALL}
