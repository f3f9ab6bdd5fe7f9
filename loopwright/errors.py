"""Every error that Loopwright raises on purpose.

    LoopwrightError
    ├── DefinitionError       a project's definitions contradict themselves
    ├── InvalidInputError     data from outside does not fit its definition
    ├── NotFoundError         the thing that was asked for is not there
    ├── ConflictError         somebody else changed it first; read again and decide again
    │   ├── AlreadyExistsError    what was to be made is there
    │   ├── DeletedError          it is softly deleted: restore it before changing it
    │   └── InUseError            something leads to it, so it may not go or change: move that away first
    ├── IntegrityError        stored bytes are not the bytes that were written
    ├── GateRefusedError      a candidate did not earn its promotion
    ├── CapabilityError       this provider declares that it cannot do that
    ├── DeniedError           the provider does not let this process do that
    └── UnavailableError      the provider could not answer now; the same call may work later

A message says what, where, and what to do instead. Provider errors are translated into these at the adapters'
border, with their cause attached.
"""


class LoopwrightError(Exception):
    """The root: catch it to catch everything that Loopwright raises on purpose."""


class DefinitionError(LoopwrightError):
    """A project's definitions contradict themselves or each other."""


class InvalidInputError(LoopwrightError):
    """Data from outside does not fit its definition.

    Attributes:
        problems: one entry a finding, each naming the field, the reason and, where there is one, the row.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class NotFoundError(LoopwrightError):
    """The thing that was asked for is not there."""


class ConflictError(LoopwrightError):
    """An expectation did not hold: somebody else wrote first. Nothing was written."""


class AlreadyExistsError(ConflictError):
    """What was to be made is there, or its name is taken."""


class DeletedError(ConflictError):
    """The thing is softly deleted: it can be read and restored, and not changed."""


class InUseError(ConflictError):
    """Something leads to the thing, so it may not go or change: move that away first."""


class IntegrityError(LoopwrightError):
    """Stored bytes are not the bytes that were written: the digest differs. Nothing was loaded."""


class GateRefusedError(LoopwrightError):
    """A candidate did not earn its promotion; the verdict is stored with its version."""


class CapabilityError(LoopwrightError):
    """This provider declares that it cannot do that."""


class DeniedError(LoopwrightError):
    """The provider does not let this process do that: it has no credentials, or its role lacks the permission."""


class UnavailableError(LoopwrightError):
    """The provider could not answer now (disk full, throttled, timed out). Nothing was half written."""
