"""The feed as JSON Feed 1.1. It knows no deleted items: what was withdrawn is no longer there."""

import json

from server.feed.channel import HTML, JSON, Channel, GoneNotice, PageName, rfc3339, shown
from server.usecases.notice_feed import FeedPage


def document(channel: Channel, page: FeedPage, language: str) -> bytes:
    """Returns a page of the feed in a language."""
    content: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title(language),
        "description": channel.words(language).about,
        "home_page_url": channel.address(PageName(language, HTML)),
        "feed_url": channel.address(PageName(language, JSON, page.before)),
        "language": language,
        "authors": [{"name": channel.post}],
    }
    if page.older is not None:
        content["next_url"] = channel.address(PageName(language, JSON, page.older))
    content["items"] = [
        {
            "id": each.notice.id.urn,
            "url": channel.address(each.notice.id),
            "title": each.text.title,
            "content_text": each.text.text,
            "date_published": rfc3339(each.published_at),
            "date_modified": rfc3339(each.changed_at),
            "language": each.text.language,
        }
        for each in shown(page, language)
        if not isinstance(each, GoneNotice)
    ]
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
