/* Colours and line numbers under the template's text box.

   The textarea stays what is typed into and sent: undo, IME and scrolling are the browser's own. It becomes see-through
   and lies over a layer with the same text in colours, which follows where it scrolls. Only lines that changed are
   painted anew, and nothing is ever built from text as HTML. */
"use strict";

(() => {
  const LONGEST = 5000; // characters; a longer line stays plain, or one keystroke would paint it all
  const PLACE = String.raw`(?<place>\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$))`;
  // What stands where: `<!--` inside a comment, `tag` inside a tag, a quote inside an attribute's value.
  const WORDS = {
    "": new RegExp(PLACE + String.raw`|(?<comment><!--)|(?<tag><\/?[a-zA-Z!][\w:-]*)|[^<{]+|.`, "y"),
    "tag": new RegExp(PLACE + String.raw`|(?<name>[\w:@.-]+)|(?<string>["'])|(?<tag>\/?>)|[^\w:@.\-"'/>{]+|.`, "y"),
    '"': new RegExp(PLACE + String.raw`|(?<end>")|(?<string>[^"{]+|.)`, "y"),
    "'": new RegExp(PLACE + String.raw`|(?<end>')|(?<string>[^'{]+|.)`, "y"),
    "<!--": new RegExp(String.raw`(?<end>-->)|(?<comment>[^-]+|.)`, "y"),
  };

  function after(state, kind, word) {
    if (kind === "end") return state === "<!--" ? "" : "tag";
    if (state === "" && kind === "comment") return "<!--";
    if (state === "" && kind === "tag") return "tag";
    if (state === "tag" && kind === "string") return word;
    if (state === "tag" && kind === "tag") return "";
    return state;
  }

  // line: the element to paint into. A new one among thousands makes the browser look at all that follow it.
  function paint(text, start, line = document.createElement("div")) {
    const parts = [];
    let state = start;
    if (text.length > LONGEST) {
      parts.push(text);
    } else {
      for (let at = 0; at < text.length;) {
        const words = WORDS[state];
        words.lastIndex = at;
        const found = words.exec(text);
        const word = found[0];
        let kind = Object.keys(found.groups).find((name) => found.groups[name] !== undefined);
        const next = after(state, kind, word);
        if (kind === "end") kind = state === "<!--" ? "comment" : "string";
        if (kind === "place" && word.startsWith("{%")) kind = "branch";
        if (kind) {
          const span = document.createElement("span");
          span.className = "code-" + kind;
          span.textContent = word;
          parts.push(span);
        } else {
          parts.push(word);
        }
        state = next;
        at += word.length;
      }
    }
    line.replaceChildren(...parts, "\n");
    return { text, start, end: state, line };
  }

  function dress(area) {
    const box = document.createElement("div");
    const numbers = document.createElement("div");
    const text = document.createElement("div");
    const layer = document.createElement("div");
    box.className = "code";
    numbers.className = "code-numbers";
    text.className = "code-text";
    layer.className = "code-layer";
    for (const part of [numbers, layer]) part.setAttribute("aria-hidden", "true");
    area.before(box);
    text.append(layer, area);
    box.append(numbers, text);
    let lines = [];

    function refresh() {
      const texts = area.value.split("\n");
      let same = 0;
      while (same < lines.length && same < texts.length && lines[same].text === texts[same]) same += 1;
      let tail = 0;
      while (
        tail < Math.min(lines.length, texts.length) - same &&
        lines[lines.length - 1 - tail].text === texts[texts.length - 1 - tail]
      ) tail += 1;
      if (same === texts.length && same === lines.length) return;
      const gone = lines.slice(same, lines.length - tail);
      const fresh = [];
      let state = same ? lines[same - 1].end : "";
      for (const text of texts.slice(same, texts.length - tail)) {
        fresh.push(paint(text, state, gone[fresh.length]?.line));
        state = fresh.at(-1).end;
      }
      const made = document.createDocumentFragment();
      made.append(...fresh.slice(gone.length).map((one) => one.line));
      layer.insertBefore(made, tail ? lines[lines.length - tail].line : null);
      for (const one of gone.slice(fresh.length)) one.line.remove();
      const kept = lines.slice(lines.length - tail);
      // A comment that was opened or closed colours what follows, up to where nothing changes any more.
      for (let n = 0; tail && n < kept.length && kept[n].start !== state; n += 1) {
        kept[n] = paint(kept[n].text, state, kept[n].line);
        state = kept[n].end;
      }
      const count = lines.length;
      lines = lines.slice(0, same).concat(fresh, tail ? kept : []);
      if (lines.length !== count) {
        numbers.textContent = lines.map((_, n) => n + 1).join("\n");
      }
      follow();
    }

    function follow() {
      layer.scrollTop = numbers.scrollTop = area.scrollTop;
      layer.scrollLeft = area.scrollLeft;
    }

    function go(number) {
      const texts = area.value.split("\n");
      const n = Math.min(Math.max(number, 1), texts.length) - 1;
      const start = texts.slice(0, n).reduce((sum, text) => sum + text.length + 1, 0);
      area.focus({ preventScroll: true });
      area.setSelectionRange(start, start + texts[n].length, "backward");
      box.scrollIntoView({ block: "nearest" });
      area.scrollTo(0, lines[n].line.offsetTop - area.clientHeight / 3);
    }

    // Tab writes two spaces; Esc and then Tab leaves the box, and so does Shift and Tab.
    let leaving = false;
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        leaving = true;
      } else if (event.key === "Tab" && !event.shiftKey && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        indent(area);
      } else if (event.key !== "Shift") {
        leaving = false;
      }
    });
    area.addEventListener("blur", () => { leaving = false; });
    area.addEventListener("input", refresh);
    area.addEventListener("scroll", follow, { passive: true });
    // A browser that goes back puts what was typed into the box again without a word.
    window.addEventListener("pageshow", refresh);
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[data-line]");
      if (!link) return;
      event.preventDefault();
      go(Number(link.dataset.line));
    });
    refresh();
  }

  function indent(area) {
    const { selectionStart: from, selectionEnd: to, value } = area;
    const chosen = value.slice(from, to);
    if (!chosen.includes("\n")) {
      write("  ");
      return;
    }
    const start = value.lastIndexOf("\n", from - 1) + 1;
    const moved = value.slice(start, to).replace(/^(?=.)/gm, "  ");
    area.setSelectionRange(start, to);
    write(moved);
    area.setSelectionRange(start, start + moved.length);
  }

  function write(text) {
    // Written as if typed, so that it can be undone; there is no other way in a textarea.
    document.execCommand("insertText", false, text);
  }

  for (const area of document.querySelectorAll("textarea[data-code]")) dress(area);
})();
