"""What can go wrong with a change as a whole. What is wrong with one event is its outcome, not an error."""


class MutationError(Exception):
    """A change was refused as a whole and nothing was stored; the text is meant for the sender."""


class BatchTooLargeError(MutationError):
    """A batch goes over a limit for whole batches; the text names the limit and its setting."""


class InvalidInputError(MutationError):
    """An input of a change cannot be used; the text names it and says what would do."""


class NotFoundError(MutationError):
    """What should change is not there."""


class ConflictError(MutationError):
    """What should change is in a state that does not allow this; the text names the state."""


class ConfirmationRequiredError(MutationError):
    """Something would be deleted that was not previewed; the text says how to preview it."""


class ConfirmationStaleError(MutationError):
    """A preview that does not hold any more; the text says why."""


class ArchiveError(MutationError):
    """An archive cannot be read or written; the text names the setting and what is wrong there."""


class ArchiveDamagedError(ArchiveError):
    """A file of an archive is not what its manifest says; the text names the file, `reason` does not."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason
