"""What can go wrong with sealed things, each with its own name. None ever carries contents."""


class CustodyError(Exception):
    """Something sealed could not be made, opened or believed."""


class Unreadable(CustodyError):
    """It is not in a form we know."""


class Broken(CustodyError):
    """It is in a form we know, but was altered, cut, extended, reordered or moved."""


class WrongKey(CustodyError):
    """The key at hand is not the one it was sealed with."""


class NoKey(CustodyError):
    """There is no key for it in the key store: never made, or destroyed."""


class KeyDestroyed(NoKey):
    """The key was destroyed on purpose; what it sealed cannot be opened by anyone."""


class RetiredKey(CustodyError):
    """This version of the master key was retired; it opens and seals nothing any more."""
