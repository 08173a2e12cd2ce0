#!/usr/bin/env python
"""Run one of the portal's commands."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "p20win.settings")
    if sys.argv[1:2] == ["scenario"]:  # it starts its own database first; the settings need one to be read
        from governance.scenario.launch import main

        raise SystemExit(main(sys.argv[2:]))
    from p20win import roles

    roles.take_on(sys.argv[1:], os.environ)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
