"""Gauges: a database that does not answer is spoken of in the log, without a flood."""

from structlog.testing import capture_logs

from gateway.gauges import DatabaseWatch
from storage.errors import StorageUnavailableError

LOST = StorageUnavailableError("the database cannot be reached")


def test_a_lost_database_is_logged_at_once_each_minute_and_when_it_is_back() -> None:
    """GQ7: looks come every 15 seconds, so every fourth failure is one line a minute."""
    watch = DatabaseWatch()
    with capture_logs() as lines:
        for error in (None, LOST, LOST, LOST, LOST, LOST, None, None, LOST):
            watch.tell(error)
    said = [(line["log_level"], line["event"]) for line in lines]
    lost = ("warning", "the database does not answer")
    assert said == [lost, lost, ("info", "the database answers again"), lost]
    assert lines[0]["reason"] == str(LOST)
