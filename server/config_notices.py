"""Settings of public notices: where they are published."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from server.config_values import LOOPBACK_HOSTS, Duration, ExistingPath, LoopbackAddress, Section

_LONGEST_URL = 400


class NoticeSettings(Section):
    """Where public notices are published: on a site, or in the post's own feed. With neither, steps of
    ladders that ask for a notice fail, and say so.
    """

    site_url: str = ""
    """A site that takes notices, a gazette: `https://gazette.example.am/api/notices`, below which each is put
    under its identifier (docs/public-notices.md).
    """
    site_public_url: str = ""
    """Below which people read them there, unless the site says so itself; by default as `site_url`."""
    authorities: ExistingPath | None = None
    """PEM file: the roots that the site's certificate must lead to; those of the system do not count. Of the
    feed's public address those of the system count where this is left out.
    """
    certificate: ExistingPath | None = None
    """PEM file: the certificate that the post shows it, with its issuers."""
    key: ExistingPath | None = None
    """PEM file: that certificate's key."""
    token_file: ExistingPath | None = None
    """File that holds a bearer token, instead of a certificate or beside it."""
    timeout: Duration = timedelta(seconds=30)
    """How long one question to the site may take, 1s to 5m."""
    connect_timeout: Duration = timedelta(seconds=5)
    """How long a connection may take to come about."""
    feed_url: str = ""
    """The post's own feed, instead of a site: the address that people read it at,
    `https://notices.post.example.am`. `namak-server notices serve` or `export` publish it there.
    """
    feed_listen: LoopbackAddress = "127.0.0.1:8447"
    """Where `notices serve` listens. It speaks plain HTTP, to a web server in front of it that speaks TLS: so
    it must be a loopback address. Port 0 takes a free one.
    """
    feed_page: int = Field(default=100, ge=1, le=1000)
    """How many notices stand on one page."""

    @model_validator(mode="after")
    def _is_one_place(self) -> "NoticeSettings":
        if self.site_url and self.feed_url:
            raise ValueError("give either site_url or feed_url: a notice is published in one place")
        return self

    @model_validator(mode="after")
    def _site_is_safe(self) -> "NoticeSettings":
        if not self.site_url:
            return self
        for name in ("site_url", "site_public_url"):
            _check_url(name, getattr(self, name))
        is_secure = urlsplit(self.site_url).scheme == "https"
        if is_secure and self.authorities is None:
            raise ValueError("authorities is needed: the roots that the site's certificate must lead to")
        if not is_secure and urlsplit(self.site_url).hostname not in LOOPBACK_HOSTS:
            raise ValueError("without https the site may only be on loopback")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together")
        if is_secure and self.certificate is None and self.token_file is None:
            raise ValueError("certificate and key, or token_file, are needed: the site must know who asks")
        if not timedelta(seconds=1) <= self.timeout <= timedelta(minutes=5):
            raise ValueError("timeout must be 1s to 5m")
        if not timedelta(0) < self.connect_timeout <= self.timeout:
            raise ValueError("connect_timeout must be more than 0s and at most timeout")
        return self

    @model_validator(mode="after")
    def _feed_is_safe(self) -> "NoticeSettings":
        _check_url("feed_url", self.feed_url)
        address = urlsplit(self.feed_url)
        if address.scheme == "http" and address.hostname not in LOOPBACK_HOSTS:
            raise ValueError("without https feed_url may only be on loopback")
        return self


def _check_url(name: str, url: str) -> None:
    if not url:
        return
    try:
        address = urlsplit(url)
        host = address.hostname
    except ValueError:
        host = None
        address = urlsplit("")
    if address.scheme not in ("http", "https") or not host:
        raise ValueError(f"{name} must be an https address")
    if address.query or address.fragment or address.username or address.password:
        raise ValueError(f"{name} must end with its path: what is published is put below it")
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > _LONGEST_URL:
        raise ValueError(f"{name} must be written in ASCII, percent-encoded, in {_LONGEST_URL} characters")
