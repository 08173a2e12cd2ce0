"""Fill the demo: agencies, people, papers, and requests in every stage."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from agreements import public as agreements
from governance.seed import directory
from governance.seed.projects import STORIES, Story
from p20win import clock
from p20win.programs import Crew

AT_ONCE: Final = 3  # stories told side by side; they wait for workers most of the time
LOOK_EVERY: Final = 1.0  # seconds between looks at the workers


class Command(BaseCommand):
    """Make what is missing, and leave alone what is there."""

    help = "Fill the demo with invented agencies, people and requests; what is there is left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the option for a demo that is ready sooner."""
        parser.add_argument(
            "--few", action="store_true", help="tell a few of the requests only; call again for the others"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it."""
        if settings.P20WIN_MODE != "demo":
            raise CommandError("The demo is seeded in demo mode only. Set P20WIN_MODE=demo.")
        at = clock.now()
        known = directory.organisations(at)
        people = directory.people(known, at)
        directory.papers(known, at)
        self.stdout.write(f"{len(known)} organisations, {len(people)} people added.")
        stories = [story for story in STORIES if story.is_among_few or not options["few"]]
        missing = [story for story in stories if not story.exists()]
        waiting = [story for story in missing if story.needs_papers and not agreements.papers_can_be_made()]
        missing = [story for story in missing if story not in waiting]
        if missing:
            # Documents and files are the work of workers; the portal's own are not running yet.
            env = {**os.environ, "P20WIN_TICK_SECONDS": "1", "P20WIN_SWEEP_SECONDS": "1"}
            with Crew(("vault", "worker", "beat"), env, settings.P20WIN_DATA / "logs") as crew:
                crew.wait_until_ready()
                first = [story for story in missing if story.moves_the_clock]
                for story in first:
                    self._tell_all([story], crew)
                # The longest stand last in the list, and are begun first.
                self._tell_all([s for s in reversed(missing) if s not in first], crew)

        if waiting:
            self.stdout.write(f"{len(waiting)} requests with papers wait for Pango; see the health page.")
        if waiting or len(stories) < len(STORIES):
            sys.exit(os.EX_TEMPFAIL)  # not an error; whoever called may call again later

    def _tell_all(self, stories: list[Story], crew: Crew) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = [pool.submit(self._tell, story) for story in stories]
            while wait(told, timeout=LOOK_EVERY).not_done:
                for name in crew.revive():
                    self.stdout.write(f"{name} ended by itself and was started again.")
            for one in told:
                one.result()

    def _tell(self, story: Story) -> None:
        began = time.monotonic()
        try:
            number = story.tell().project.number or "a draft"
        finally:
            connection.close()  # each thread has its own
        self.stdout.write(f"{number}: {story.title} ({time.monotonic() - began:.1f} s)")
