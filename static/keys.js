/* Lists by the keyboard, and a list that stays as it is while mails are opened beside it.

   Without this script every row is a link and every list a page, as before. Keys do nothing while somebody types. */
"use strict";

(() => {
  const ROWS = ".rows > li > a, .list td a.strong, .list td a.row-link";
  const LIST = "#list .rows > li:not(.more) > a";
  let last = null; // the row that had the focus, and its place for when it was replaced
  let place = 0;
  let opened = ""; // the mail beside the list, and where the list stood when it was opened
  let scrolled = 0;
  let covered = false; // whether the list is hidden behind the mail

  const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());

  function go(row, rows) {
    if (!row) return;
    last = row;
    place = rows.indexOf(row);
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const rows = seen(ROWS);
    const from = rows.indexOf(rows.includes(document.activeElement) ? document.activeElement : last);
    const current = rows.findIndex((row) => row.ariaCurrent);
    let to = from >= 0 ? from + by : last ? place : current >= 0 ? current + by : 0;
    go(rows[Math.min(Math.max(to, 0), rows.length - 1)], rows);
  }

  // Shown as a dialog, which keeps the focus inside and gives it back to where it was.
  function showKeys() {
    const keys = document.getElementById("keys");
    if (keys?.open) keys.close();
    else keys?.showModal();
  }

  const KEYS = {
    "j": () => step(1),
    "k": () => step(-1),
    "/": () => seen("[role=search] input:not([type=hidden])")[0]?.select(),
    "?": showKeys,
    "Escape": () => seen("[data-key=Escape]")[0]?.click(),
  };

  document.addEventListener("keydown", (event) => {
    const action = KEYS[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    // Escape closes what lies on top, which the browser does by itself.
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    event.preventDefault();
    action();
  });

  document.addEventListener("focusin", (event) => {
    const rows = event.target.matches(ROWS) ? seen(ROWS) : [];
    if (rows.length) [last, place] = [event.target, rows.indexOf(event.target)];
  });

  // What an address says about the list, whichever page it is the address of.
  function listOf(address) {
    const words = new URL(address, location.href).searchParams;
    for (const name of ["pages", "width"]) words.delete(name);
    return [...words].filter(([, value]) => value).sort().join("&");
  }

  // The row of the open mail is marked; once it is closed, one is back at its row, where the list stood.
  function settle() {
    const [list, mail] = ["list", "mail"].map((id) => document.getElementById(id));
    if (!list || !mail) return;
    // That one was open at first is told before the list, so that nothing moves when it comes; from then on, it is seen.
    list.parentElement.classList.remove("with-detail");
    const rows = [...document.querySelectorAll(LIST)];
    const open = mail.querySelector("article") ? location.pathname : "";
    for (const row of rows) row.ariaCurrent = row.pathname === open ? "true" : null;
    if (open === opened) return;
    const before = opened;
    opened = open;
    // On a phone the mail takes the place of the list.
    if (!list.checkVisibility()) {
      scrollTo(0, 0);
    } else if (covered) {
      scrollTo(0, scrolled);
    }
    covered = !list.checkVisibility();
    mail.scrollTop = 0;
    // Whoever types goes on typing: the list was searched anew.
    const types = document.activeElement.matches("input, textarea, select");
    if (!open && !types) go(rows.find((row) => row.pathname === before), seen(ROWS));
  }

  document.addEventListener("click", (event) => {
    if (!covered && event.target.closest(LIST)) scrolled = scrollY;
  });
  document.addEventListener("htmx:after:swap", settle);

  // Going back to the list, or to another mail beside it, leaves the list as it is, older rows and all.
  document.addEventListener("htmx:before:history:restore", (event) => {
    const row = document.querySelector(LIST);
    if (!row || listOf(row.href) !== listOf(event.detail.path)) return;
    event.preventDefault();
    const path = event.detail.path;
    const isMail = /\/\d+$/.test(new URL(path, location.href).pathname);
    htmx.ajax("GET", isMail ? path : document.getElementById("mail").dataset.none, "#mail");
  });

  addEventListener("DOMContentLoaded", () => {
    // Without this script there are no keys to tell of.
    for (const button of document.querySelectorAll("button[data-key='?']")) {
      button.hidden = false;
      button.addEventListener("click", showKeys);
    }
    // On a phone the menu is a strip, which begins where the current entry is.
    if (!CSS.supports("scroll-initial-target", "nearest")) {
      document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    }
    // htmx only takes people back to entries that it has marked, and the first of a page has no mark.
    history.replaceState({ ...history.state, htmx: true }, "");
    if (document.querySelector("#mail article")) {
      opened = location.pathname;
      covered = !document.getElementById("list").checkVisibility();
    }
  });
})();
