"""Wires the post's own feed of public notices for those who read it, in a process of its own."""

from server.bootstrap_machine import SystemClock
from server.config import Settings
from server.feed.channel import Channel
from server.feed.listener import FeedListener
from server.feed.pages import FeedPages
from server.jurisdictions import PROFILES
from server.usecases.notice_feed import NoticeFeed
from server.usecases.ports import UnitOfWork


def notice_feed(settings: Settings, uow: UnitOfWork) -> FeedPages:
    """Returns the post's own feed, for whoever hands it out.

    Raises ValueError: the settings name none.
    """
    notices, profile = settings.notices, PROFILES[settings.profile]
    if not notices.feed_url:
        raise ValueError("[notices] feed_url is not set: notices are not published in a feed of the post's")
    url = notices.feed_url.rstrip("/")
    feed = NoticeFeed(uow=uow, clock=SystemClock(), url=url)
    return FeedPages(
        feed, Channel(url, profile.operator_name, profile.languages, profile.time_zone), notices.feed_page
    )


def feed_listener(settings: Settings, pages: FeedPages) -> FeedListener:
    """Returns who hands the feed out over HTTP."""
    return FeedListener(pages, SystemClock(), settings.notices.feed_listen)
