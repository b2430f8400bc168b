"""The process in which a mail is compiled; whatever it is given, it can open no file and reach no network.

Reads {"kind": …, "text": …} and writes {"html": …} or {"error": what the compiler said}, both JSON.
"""

import json
import re
import resource
import sys

from mailroom import limited

_INLINE = re.compile(
    r"""<mj-style\b[^>]*\binline\s*=\s*["']inline["'][^>]*>(.*?)</mj-style\s*>""", re.DOTALL | re.I
)


def main() -> None:
    """Answers one order on the standard input."""
    limited.confine()
    import css_inline
    import mjml

    # Nothing can be opened from here on: a style sheet or an include would be read from the disk or the network.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    order = json.loads(sys.stdin.buffer.read())
    text, css = order["text"], None
    try:
        if order["kind"] == "mjml":
            css = "\n".join(_INLINE.findall(text))
            text = mjml.mjml2html(_INLINE.sub("", text), fonts={})
        if css != "":
            # MJML's own styles stay where they are; what cannot stand in a tag (:hover, @media) stays in the head.
            text = css_inline.CSSInliner(
                load_remote_stylesheets=False,
                keep_style_tags=True,
                keep_link_tags=True,
                remove_inlined_selectors=css is None,
                inline_style_tags=css is None,
                extra_css=css,
            ).inline(text)
        answer = {"html": text}
    except ValueError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
