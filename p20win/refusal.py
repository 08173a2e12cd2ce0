"""How an act is refused, in words fit to show."""


class Blocked(Exception):
    """An act that the state, the person or the paperwork does not allow. `reasons` are fit to show."""

    def __init__(self, reasons: list[str] | str) -> None:
        """Keep the reasons."""
        self.reasons: list[str] = [reasons] if isinstance(reasons, str) else list(reasons)
        super().__init__(" ".join(self.reasons))
