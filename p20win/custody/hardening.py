"""A process that holds plaintext leaves no trace of its memory: no core dump, no debugger, no /proc."""

import ctypes
import logging
import resource
import sys
from typing import Final

logger = logging.getLogger(__name__)

PR_SET_DUMPABLE: Final = 4
PR_GET_DUMPABLE: Final = 3


def keep_memory_private() -> None:
    """Switch core dumps off and make the process undumpable; children inherit both."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        logger.warning("the process could not be made undumpable (errno %s)", ctypes.get_errno())


def is_memory_private() -> bool:
    """Say whether neither a core dump nor a debugger can get at this process's memory."""
    no_core = resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    if sys.platform != "linux":
        return no_core
    return no_core and ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0
