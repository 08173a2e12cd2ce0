"""The door of signatures."""

from p20win.signatures.models import Signature
from p20win.signatures.selectors import signatures_on
from p20win.signatures.services import sign

__all__ = ["Signature", "sign", "signatures_on"]
