"""The digest that makes two submissions under one request id equal (docs/submission-cycle.md)."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from server.domain.deliveries import Part, PartInfo, Submission

texts = st.text("ab", max_size=3)


@st.composite
def submissions(draw: st.DrawFn) -> Submission:
    parts = tuple(
        Part(PartInfo(draw(texts), draw(texts), 1, hashlib.sha256(content).digest()), content)
        for content in draw(st.lists(st.sampled_from([b"x", b"y"]), max_size=2))
    )
    return Submission(draw(texts), draw(texts), draw(texts), draw(texts), parts)


@given(submissions(), submissions())
def test_equal_digests_mean_equal_content(one: Submission, other: Submission) -> None:
    def content(submission: Submission) -> tuple[object, ...]:
        return submission.sender, submission.recipient, submission.subject, submission.parts

    assert (one.digest() == other.digest()) == (content(one) == content(other))


def test_moving_bytes_between_fields_makes_another_digest() -> None:
    assert Submission("1", "ab", "c", "d", ()).digest() != Submission("1", "a", "bc", "d", ()).digest()


def test_the_request_id_is_no_part_of_the_content() -> None:
    assert Submission("1", "a", "b", "c", ()).digest() == Submission("2", "a", "b", "c", ()).digest()
