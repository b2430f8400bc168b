"""How the report looks in a mail: one layout whose fields are filled with words and numbers, as any template's are.

So a report that was sent can be made again exactly as it was, from its version and its fields. Tables and styles
inside the tags, because that is what mail programs understand; no pictures.
"""

SUBJECT = "{{ title }}: {{ days }}"

# What became of the mails, in this order; each with its colour, a word beside it, and a bar for its share.
STATES = {
    "delivered": "#1f7a4d",
    "opened": "#155e75",
    "failed": "#b3261e",
    "pending": "#8a8778",
    "refused": "#7c2d12",
    "undecided": "#9a6700",
}
TEMPLATES = 5
NEEDS = 6

_FONT = "font-family: Arial, Helvetica, sans-serif;"
_SOFT = "color: #5f5c52;"
_LINE = "border-top: 1px solid #e4e1d8;"


def html() -> str:
    """The layout, with a field for everything in it that differs from one report to the next."""
    return _PAGE.format(
        font=_FONT,
        soft=_SOFT,
        line=_LINE,
        states="".join(_state(name, colour) for name, colour in STATES.items()),
        templates="".join(_template(n) for n in range(1, TEMPLATES + 1)),
        needs="".join(_need(n) for n in range(1, NEEDS + 1)),
    )


def _state(name: str, colour: str) -> str:
    # An empty cell beside the bar keeps its share right where a mail program ignores widths in styles.
    return (
        f'<tr><td style="padding: 10px 0 0; {_LINE}">{{{{ {name}_word }}}}</td>'
        f'<td align="right" style="padding: 10px 0 0 12px; {_LINE}"><b>{{{{ {name} }}}}</b></td>'
        f'<td align="right" style="padding: 10px 0 0 12px; {_LINE} {_SOFT}">{{{{ {name}_before }}}}</td></tr>\n'
        f'<tr><td colspan="3" style="padding: 4px 0 10px;">'
        f'<table role="presentation" width="100%" cellpadding="0" cellspacing="0" '
        f'style="background: #efede6; border-radius: 3px;"><tr>'
        f'{{% if {name}_bar %}}<td width="{{{{ {name}_bar }}}}%" height="8" '
        f'style="width: {{{{ {name}_bar }}}}%; height: 8px; line-height: 8px; font-size: 1px; '
        f'background: {colour}; border-radius: 3px;">&nbsp;</td>{{% endif %}}'
        f'{{% if {name}_bar != "100" %}}<td height="8" style="height: 8px; line-height: 8px; font-size: 1px;">&nbsp;'
        f"</td>{{% endif %}}</tr></table></td></tr>\n"
    )


def _template(n: int) -> str:
    return (
        f"{{% if template_{n} %}}<tr>"
        f'<td style="padding: 8px 0; {_LINE} word-break: break-word;">{{{{ template_{n} }}}}</td>'
        f'<td align="right" style="padding: 8px 0 8px 12px; {_LINE}">{{{{ template_{n}_sent }}}}</td>'
        f'<td align="right" style="padding: 8px 0 8px 12px; {_LINE}">{{{{ template_{n}_rate }}}}</td>'
        f"</tr>{{% endif %}}\n"
    )


def _need(n: int) -> str:
    return (
        f'{{% if need_{n} %}}<p style="margin: 0 0 8px; padding: 8px 12px; background: #fdf3dc; '
        f'border-left: 4px solid #9a6700; word-break: break-word;">{{{{ need_{n} }}}}</p>{{% endif %}}\n'
    )


_PAGE = """\
<!doctype html>
<html lang="{{{{ language }}}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{{{{ title }}}}</title>
</head>
<body style="margin: 0; padding: 0; background: #f2f1ed;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background: #f2f1ed;">
<tr><td align="center" style="padding: 20px 10px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
  style="max-width: 560px; background: #ffffff; border-radius: 10px; {font} font-size: 15px; line-height: 1.5;
  color: #1d2433; text-align: left;">
<tr><td style="padding: 26px 22px;">
<p style="margin: 0; font-size: 13px; {soft}">{{{{ title }}}}</p>
<h1 style="margin: 2px 0 14px; font-size: 24px; line-height: 1.25;">{{{{ days }}}}</h1>
<p style="margin: 0 0 18px; font-size: 16px;">{{{{ headline }}}}</p>
{{% if any %}}
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
  style="{font} font-size: 15px; line-height: 1.4;">
<tr><td style="padding: 0 0 8px;">&nbsp;</td>
<td align="right" valign="bottom" style="padding: 0 0 8px 12px; font-size: 12px; {soft}">{{{{ days_short }}}}</td>
<td align="right" valign="bottom" style="padding: 0 0 8px 12px; font-size: 12px; {soft}">{{{{ before_short }}}}</td>
</tr>
<tr><td style="padding: 10px 0; {line}"><b>{{{{ sent_word }}}}</b></td>
<td align="right" style="padding: 10px 0 10px 12px; {line} font-size: 18px;"><b>{{{{ sent }}}}</b></td>
<td align="right" style="padding: 10px 0 10px 12px; {line} {soft}">{{{{ sent_before }}}}</td></tr>
{states}</table>
{{% endif %}}
{{% if median %}}<p style="margin: 6px 0 0; {soft}">{{{{ median }}}}</p>{{% endif %}}
{{% if template_1 %}}
<h2 style="margin: 26px 0 8px; font-size: 17px;">{{{{ templates_word }}}}</h2>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"
  style="{font} font-size: 15px; line-height: 1.4;">
<tr><td style="padding: 0 0 6px; font-size: 12px; {soft}">{{{{ template_word }}}}</td>
<td align="right" style="padding: 0 0 6px 12px; font-size: 12px; {soft}">{{{{ sent_word }}}}</td>
<td align="right" style="padding: 0 0 6px 12px; font-size: 12px; {soft}">{{{{ delivered_word }}}}</td></tr>
{templates}</table>
{{% if template_rest %}}<p style="margin: 6px 0 0; {soft}">{{{{ template_rest }}}}</p>{{% endif %}}
{{% endif %}}
<h2 style="margin: 26px 0 8px; font-size: 17px;">{{{{ needs_word }}}}</h2>
{needs}{{% if needs_nothing %}}<p style="margin: 0;">{{{{ needs_nothing }}}}</p>{{% endif %}}
<table role="presentation" cellpadding="0" cellspacing="0" style="margin: 24px 0 0;"><tr>
<td style="background: #1d2433; border-radius: 8px;">
<a href="{{{{ url }}}}" style="display: inline-block; padding: 12px 20px; {font} font-size: 15px; font-weight: bold;
  color: #ffffff; text-decoration: none;">{{{{ open_word }}}}</a></td></tr></table>
</td></tr></table>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width: 560px;"><tr>
<td style="padding: 14px 22px; {font} font-size: 12px; line-height: 1.5; {soft} text-align: left;">{{{{ footer }}}}<br>
{{{{ trail }}}}</td>
</tr></table>
</td></tr></table>
</body>
</html>
"""
