"""Downloads: whose, how long, in ranges, counted, confirmed; recall, replacement; questions in time."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from matching import checks, selectors, standing
from matching.models import DeliveryStatus, MatchStatus, QuestionStatus
from matching.services import asking, attesting, delivering, fetching, recalling
from p20win.audit.public import events_of
from p20win.calendar import end_of_day
from p20win.custody import public as custody
from p20win.deadlines import public as deadlines
from p20win.notifications.public import Message, tell
from p20win.refusal import Blocked
from tests import factories
from tests import factories_custody as files
from tests import factories_matching as matches
from tests.factories import PASSWORD, START

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
LATER = START + dt.timedelta(hours=20)
EXPIRED = START + dt.timedelta(days=1)


@pytest.fixture
def delivery(vault):
    return matches.delivered()


def clocks(slug, subject):
    return [row.status for row in deadlines.of_subject(subject, slug)]


def given(download, start, stop, *, sent=None, at=START):
    """Ask for a range and have the vault give it, or only so many bytes of it."""
    fetching.open_range(download, start, stop, by=download.person, at=at)
    row = download.fetches.order_by("-asked_at", "-id").first()
    content = b"".join(fetching.give(row, download.person))[: sent if sent is not None else None]
    fetching.note_given(row, len(content), at)
    download.refresh_from_db()
    return content


def told(row):
    """Return who is told of the last thing that happened to this."""
    tell(events_of(row).last())
    return {message.person for message in Message.objects.all()}


@pytest.mark.obligation("O-74", "O-177")
def test_a_download_is_one_persons_for_a_day_and_of_who_acknowledges(delivery):
    by, other = matches.downloader(delivery), factories.hub_member()
    with pytest.raises(Blocked, match="Acknowledge"):
        fetching.begin(delivery, by=by, acknowledges=False, at=START)
    with pytest.raises(Blocked, match="no part in this project"):
        fetching.begin(delivery, by=other, acknowledges=True, at=START)
    with pytest.raises(Blocked, match="time to download the extract is over"):
        fetching.begin(delivery, by=by, acknowledges=True, at=delivery.closes_at + matches.a_day(1))
    assert not delivery.downloads.exists()

    download = fetching.begin(delivery, by=by, acknowledges=True, at=START)

    assert fetching.STORAGE_RULE in download.acknowledged
    assert clocks("data-destruction", delivery.project) == ["running"]
    with pytest.raises(Blocked, match="another person's"):
        fetching.open_range(download, 0, 10, by=other, at=START)
    assert fetching.open_range(download, 0, 10, by=by, at=EXPIRED - dt.timedelta(seconds=1))
    with pytest.raises(Blocked, match="has expired"):
        fetching.open_range(download, 0, 10, by=by, at=EXPIRED)
    with pytest.raises(Blocked, match="has expired"):
        fetching.ticket(download, by=by, at=EXPIRED)
    fetching.begin(delivery, by=by, acknowledges=True, at=EXPIRED)
    assert clocks("data-destruction", delivery.project) == ["running"]


@pytest.mark.obligation("O-74", "O-64", "O-75")
def test_what_was_given_is_counted_and_the_clocks_start_when_all_of_it_was(delivery):
    download = fetching.begin(delivery, by=matches.downloader(delivery), acknowledges=True, at=START)
    size = download.size
    whole = b"".join(custody.open_bytes(delivery.extract))

    first = given(download, 0, size, sent=1000)
    assert (first, download.complete_at) == (whole[:1000], None)
    with pytest.raises(Blocked, match="Resume the download"):
        fetching.confirm_receipt(download, digest="", by=download.person, at=START)
    assert given(download, 1200, size) == whole[1200:]
    assert download.complete_at is None
    assert given(download, 900, 1300, at=LATER) == whole[900:1300]

    assert download.complete_at == LATER
    assert [fetch.sent for fetch in download.fetches.all()] == [1000, size - 1200, 400]
    window = standing.questions_window(delivery)
    assert window.due_at == deadlines.due("completeness-questions", start=LATER).at
    assert window.derivation["rule"] == "for 10 business days"
    assert clocks(fetching.RECEIPT, download) == ["running"]
    with pytest.raises(Blocked, match="not whole"):
        fetching.confirm_receipt(download, digest="0" * 64, by=download.person, at=LATER)
    with pytest.raises(Blocked, match="Only who downloaded it"):
        fetching.confirm_receipt(download, digest="", by=factories.hub_member(), at=LATER)
    said = f" {delivery.digest.upper()}\n"
    download = fetching.confirm_receipt(download, digest=said, by=download.person, at=LATER)
    assert download.received_as == f"SHA-256 {delivery.digest}"
    assert clocks(fetching.RECEIPT, download) == ["met"]
    with pytest.raises(Blocked, match="have confirmed"):
        fetching.confirm_receipt(download, digest="", by=download.person, at=LATER)
    fetch = download.fetches.first()
    fetch.sent = fetch.stop - fetch.start + 1
    with pytest.raises(IntegrityError), transaction.atomic():
        fetch.save()


@pytest.mark.obligation("O-108")
def test_a_supplier_that_gets_the_key_attests_first_that_its_own_link_is_gone(delivery):
    match, by = delivery.match, matches.steward("SDE")
    recipient = matches.downloader(delivery)
    assert not checks.must_attest(match, recipient)
    assert fetching.OWN_LINK_RULE not in fetching.rules_for(delivery, recipient)
    assert checks.must_attest(match, factories.hub_member())
    assert fetching.OWN_LINK_RULE in fetching.rules_for(delivery, by)
    assert "own link from real to synthetic ids" in " ".join(checks.why_not_fetch(delivery, by, START))
    sign = {"typed_name": by.name, "password": PASSWORD, "at": START}
    wrong = sign | {"typed_name": recipient.name}
    with pytest.raises(Blocked, match="holds no link of its own"):
        attesting.attest(match, by=recipient, **wrong)
    with pytest.raises(Blocked):  # a steward may not download, so there is nothing to attest for
        attesting.attest(match, by=by, **sign)

    with files.conditions_met():
        row = attesting.attest(match, by=by, **sign)
        with pytest.raises(Blocked, match="has attested"):
            attesting.attest(match, by=by, **sign)

    assert "its own link" in row.signature.intent
    assert "gives this word to the participating agencies" in attesting.words(match, factories.hub())
    assert checks.why_not_fetch(delivery, by, START) == []
    steward = matches.steward("DOL")
    assert steward in told(row)


@pytest.mark.obligation("O-74", "O-73")
def test_a_recall_stops_downloads_and_asks_for_the_deletion_of_every_copy(delivery):
    by, office = matches.downloader(delivery), factories.operating_group_member()
    download = fetching.begin(delivery, by=by, acknowledges=True, at=START)
    given(download, 0, download.size)
    with pytest.raises(Blocked, match="Only the hub"):
        recalling.recall(delivery, reason="Wrong year.", by=by, at=LATER)
    with pytest.raises(Blocked, match="Say why"):
        recalling.recall(delivery, reason=" ", by=office, at=LATER)
    with pytest.raises(Blocked, match="was not recalled"):
        fetching.confirm_deletion(delivery, by=by, at=LATER)

    delivery = recalling.recall(delivery, reason="It held the wrong year.", by=office, at=LATER)

    assert delivery.status == DeliveryStatus.RECALLED
    assert checks.why_not_range(download.fetches.first(), by, LATER)[0].startswith(
        "This version was recalled"
    )
    with pytest.raises(Blocked, match="was recalled"):
        fetching.open_range(download, 0, 10, by=by, at=LATER)
    with pytest.raises(Blocked, match="was recalled"):
        fetching.begin(delivery, by=by, acknowledges=True, at=LATER)
    assert clocks(delivering.WINDOW, delivery) == ["cancelled"]
    assert clocks(fetching.RECEIPT, download) == ["cancelled"]
    assert clocks(fetching.RECALL, delivery) == ["running"]
    assert by in told(delivery)
    with pytest.raises(Blocked, match="no copy of this version"):
        fetching.confirm_deletion(delivery, by=office, at=LATER)
    (row,) = fetching.confirm_deletion(delivery, by=by, at=LATER)
    assert row.deleted_as == fetching.DELETED
    assert clocks(fetching.RECALL, delivery) == ["met"]
    with pytest.raises(Blocked, match="Not possible"):
        recalling.recall(delivery, reason="Again.", by=office, at=LATER)


@pytest.mark.obligation("O-73", "O-76")
def test_a_replacement_is_a_new_version_that_says_what_changed(delivery):
    match, hub = delivery.match, factories.hub_member()
    with pytest.raises(Blocked, match="staff of the data integration hub"):
        delivering.replace(match, reason="x", by=matches.steward("SDE"), at=LATER)
    with pytest.raises(Blocked, match="Say what is put right"):
        delivering.replace(match, reason=" ", by=hub, at=LATER)
    matches.described(match, at=LATER, words="Wages of the last quarter are provisional.")

    delivering.replace(match, reason="The limits were incomplete.", by=hub, at=LATER)
    with pytest.raises(Blocked, match="being prepared already"):
        delivering.replace(match, reason="Once more.", by=hub, at=LATER)
    assert selectors.extract_for(match.project) == delivery  # which stays until the new one is ready
    files.run_job("matching.build_extract", delivery_id=match.delivery.pk)

    second = selectors.extract_for(match.project)
    delivery.refresh_from_db()
    assert (second.version, second.status) == (2, DeliveryStatus.AVAILABLE)
    assert second.changes == ["The statement of limitations was changed."]
    assert delivery.status == DeliveryStatus.REPLACED
    assert delivery.limitations == matches.LIMITS
    assert match.status == MatchStatus.DELIVERED
    assert checks.why_not_fetch(delivery, hub, LATER) == [
        "A later version replaces this one. Download that one."
    ]
    assert clocks(delivering.WINDOW, delivery) == ["cancelled"]
    assert clocks(delivering.WINDOW, second) == ["running"]


@pytest.mark.obligation("O-75")
def test_questions_are_asked_in_time_forwarded_replied_to_and_answered(delivery):
    by, office, hub = (
        matches.downloader(delivery),
        factories.operating_group_member(),
        factories.hub_member(),
    )
    with pytest.raises(Blocked, match="Only the data recipient"):
        asking.ask(delivery, topic="accuracy", text="Why?", by=matches.steward("SDE"), at=START)
    with pytest.raises(Blocked, match="Write what you saw"):
        asking.ask(delivery, topic="accuracy", text=" ", by=by, at=START)
    matches.fetched(delivery, by=by)
    row = asking.ask(delivery, topic="accuracy", text="Few wages in 2021.", by=by, at=LATER)
    assert clocks(asking.ANSWER, row) == ["running"]
    assert office in told(row)
    sde, dol = (matches.agency(name) for name in ("SDE", "DOL"))

    with pytest.raises(Blocked):
        asking.forward(row, to=dol, by=by, at=LATER)
    with pytest.raises(Blocked, match="has no part"):
        asking.forward(row, to=factories.organisation(short_name="NONE"), by=office, at=LATER)
    row = asking.forward(row, to=dol, by=office, at=LATER)
    with pytest.raises(Blocked, match="Waiting for DOL"):
        asking.reply(row, text="We know.", by=matches.steward("SDE"), at=LATER)
    assert row not in selectors.questions_for(matches.steward("SDE"))
    assert row in selectors.questions_for(matches.steward("DOL"))
    row = asking.reply(row, text="Quarter 4 is late.", by=matches.steward("DOL"), at=LATER)
    assert row.status == QuestionStatus.REPLIED
    with pytest.raises(Blocked, match="choose what follows"):
        asking.answer(row, text="It is late.", outcome="", by=office, at=LATER)
    row = asking.answer(row, text="It is late.", outcome="rerun", by=office, at=LATER)

    assert row.status == QuestionStatus.ANSWERED
    assert clocks(asking.ANSWER, row) == ["met"]
    assert {by, hub} <= told(row)
    assert not selectors.wants_rerun(delivery.project)  # not before the inputs of this match are destroyed
    last = standing.questions_window(delivery).due_at
    assert asking.ask(delivery, topic="completeness", text="And 2022?", by=by, at=last).number == 2
    with pytest.raises(Blocked, match="10 business days from receiving all sets"):
        asking.ask(delivery, topic="accuracy", text="And now?", by=by, at=last + dt.timedelta(seconds=1))
    assert sde in asking.may_be_asked(row)


@pytest.mark.obligation("O-74")
def test_it_closes_when_its_clock_says_wherever_that_was_moved_from(delivery):
    group, closed = factories.operating_group_member(), delivery.closes_at
    day = (closed + matches.a_day(7)).date()
    more = {"until": day, "reason": "Their server is down.", "at": START}
    with pytest.raises(Blocked, match="Only the operating group"):
        delivering.give_more_time(delivery, by=factories.hub_member(), **more)
    with pytest.raises(Blocked, match="Say why"):
        delivering.give_more_time(delivery, by=group, **more | {"reason": " "})
    with pytest.raises(Blocked, match="a later date"):
        delivering.give_more_time(delivery, by=group, **more | {"until": START.date()})

    delivery = delivering.give_more_time(delivery, by=group, **more)

    assert delivery.closes_at == end_of_day(day) > closed
    after = closed + matches.a_day(1)
    assert delivering.close(delivery, at=after).status == DeliveryStatus.AVAILABLE
    assert fetching.begin(delivery, by=matches.downloader(delivery), acknowledges=True, at=after)
    deadlines.extend(
        "download",
        delivery,
        until=day + matches.a_day(1),
        basis=deadlines.Basis.OPERATING_GROUP,
        reference="minutes",
        at=START,
        by=group,
    )
    delivery.refresh_from_db()
    [clock] = deadlines.alive("download", delivery)
    assert delivery.closes_at == clock.due_at == end_of_day(day + matches.a_day(1))
    closed = delivering.close(delivery, at=delivery.closes_at + matches.a_day(1))
    with pytest.raises(Blocked, match="Not possible while"):
        delivering.give_more_time(closed, by=group, **more)
