"""What the benchmark of imports compares is the same work."""

import os
import subprocess
import sys

from bench import mails
from bench.machine import family_mb, usage


def test_the_mails_that_are_compared_are_the_same_to_the_letter() -> None:
    ours, jinja, replaced = (mails.filler(way) for way in ("mailroom", "jinja2", "replace"))
    for number in (1, 2):
        assert ours(mails.values(number)) == jinja(mails.values(number))
    assert ">Bayar sekarang<" in ours(mails.values(1))
    assert ">Bayar sekarang<" not in ours(mails.values(2))
    assert f"INV-2026-{1:06}" in replaced(mails.values(1))


def test_the_memory_of_children_is_added() -> None:
    alone = usage(os.getpid()).peak_mb
    command = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        assert family_mb(os.getpid()) >= alone + usage(child.pid).peak_mb > alone
        child.communicate(b"\n")
