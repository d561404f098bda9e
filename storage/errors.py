"""What can go wrong in storage. Drivers' errors are translated here and nowhere else.

StorageError
 +-- StorageUnavailableError     the database cannot be reached or is shutting down (retryable)
 |    +-- OutcomeUnknownError    a write was cut off: send the same ids again (retryable)
 +-- StorageTimeoutError         a statement ran into its time limit
 +-- StorageBusyError            locks or conflicts went on beyond every retry (retryable)
 +-- RevisionError               the database has another schema revision than this program
 +-- PositionExpiredError        a position older than what is kept
 +-- UnknownPositionError        a text or number that is no position of this store
 +-- SelectorError               a selector text that cannot be understood, or one with too many values
"""


class StorageError(Exception):
    """Something in storage failed; the text is meant for whoever runs the server."""

    retryable = False


class StorageUnavailableError(StorageError):
    """The database cannot be reached; the same call may succeed later."""

    retryable = True


class OutcomeUnknownError(StorageUnavailableError):
    """The connection broke while a write was under way: it may or may not be stored. Send the same ids again."""


class StorageTimeoutError(StorageError):
    """A statement took longer than TIMELOOM_STATEMENT_TIMEOUT_SECONDS."""


class StorageBusyError(StorageError):
    """Deadlocks or lock waits went on beyond every retry; the same call may succeed later."""

    retryable = True


class RevisionError(StorageError):
    """The database's schema revision is not the one that this program needs; the text names the command that helps."""


class PositionExpiredError(StorageError):
    """The position is older than the oldest that is kept: start again from a new livePosition."""


class UnknownPositionError(StorageError):
    """This is no position of this store."""


class SelectorError(StorageError):
    """A selector that cannot be understood; the text says what to change."""


class TooManyValuesError(SelectorError):
    """A list in a selector holds more values than it may (rule F23)."""
