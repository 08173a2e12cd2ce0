"""How the client gives up: with words fit to show, and an exit code."""


class Failure(Exception):
    """Something did not work; the message says what, where and what to do."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        """Keep the message and the exit code."""
        super().__init__(message)
        self.code = code
