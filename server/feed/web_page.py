"""The feed as a page for people: no script, nothing from elsewhere, and nothing that search engines keep."""

import base64
import hashlib
from html import escape
from typing import Final

from server.feed.channel import ATOM, HTML, JSON, Channel, GoneNotice, PageName, ShownNotice, rfc3339, shown
from server.usecases.notice_feed import FeedPage

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.1rem;margin:0 0 .25rem}"
    "article{border-top:1px solid #bbb;padding:1rem 0}article p{margin:.25rem 0}"
    "time{color:#555;font-size:.875rem}nav a{margin-inline-end:1rem}a{color:#0b4f9e}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}a{color:#8ab8f0}"
    "time{color:#aaa}article{border-color:#444}}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What a browser may do with the page: show it."""


def document(channel: Channel, page: FeedPage, language: str) -> bytes:
    """Returns a page of the feed in a language."""
    words, title = channel.words(language), escape(channel.title(language))
    articles = [
        _article(channel, each, language)
        for each in shown(page, language)
        if not isinstance(each, GoneNotice)
    ]
    forms = ((ATOM, "application/atom+xml", "Atom"), (JSON, "application/feed+json", "JSON Feed"))
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{language}">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="robots" content="noindex,noarchive">',
        f"<title>{title}</title>",
        *(
            f'<link rel="alternate" type="{media}" href="{_href(channel, language, form)}">'
            for form, media, _ in forms
        ),
        f"<style>{_STYLE}</style></head>",
        "<body>",
        "<nav>",
        *(
            f'<a lang="{other}" hreflang="{other}" href="{_href(channel, other, HTML)}">{other}</a>'
            for other in channel.languages
            if other != language
        ),
        *(f'<a href="{_href(channel, language, form)}">{name}</a>' for form, _, name in forms),
        "</nav>",
        f"<main><h1>{title}</h1>",
        f"<p>{escape(words.about)}</p>",
        *(articles or [f"<p>{escape(words.none)}</p>"]),
        "</main>",
    ]
    if page.older is not None:
        older = escape(channel.address(PageName(language, HTML, page.older)))
        lines.append(f'<nav><a rel="next" href="{older}">{escape(words.older)}</a></nav>')
    lines += ["</body>", "</html>", ""]
    return "\n".join(lines).encode()


def _article(channel: Channel, each: ShownNotice, language: str) -> str:
    at, said = rfc3339(each.published_at), channel.local(each.published_at, language)
    return (
        f'<article lang="{escape(each.text.language)}" id="{each.notice.id}">'
        f'<h2 dir="auto">{escape(each.text.title)}</h2>'
        f'<p dir="auto">{escape(each.text.text)}</p>'
        f'<time datetime="{at}">{escape(said)}</time></article>'
    )


def _href(channel: Channel, language: str, form: str) -> str:
    return escape(channel.address(PageName(language, form)))
