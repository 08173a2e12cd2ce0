"""The matching desk."""

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    """Files in, linkage, the parties' word, extract out."""

    name = "matching"

    def ready(self) -> None:
        """Tell the vault what it opens, the deadlines what happens when they come, and who hears about it."""
        from agreements import public as agreements
        from matching import (
            checks,
            instruction_shown,
            keeping_notices,
            list_shown,
            logged,
            notices,
            supplier_notices,
            timing,
        )
        from matching.engine import defaults
        from matching.services import (
            delivering,
            fetching,
            grouped_reviewing,
            keeping_ends,
            ordering,
            removing,
            reopening,
            reviewing,
            signing,
        )
        from p20win.custody import public as custody
        from p20win.deadlines import public as deadlines
        from p20win.notifications import public as notifications

        agreements.register_engines(defaults.ENGINES)
        custody.register_opening(
            fetching.OPENING,
            fetching.give,
            access_act="download",
            data_class=custody.DataClass.EXTRACT,
            why_not=checks.why_not_range,
            ended=fetching.note_given,
        )
        custody.register_opening(
            reviewing.OPENING,
            reviewing.give,
            access_act="match",
            data_class=custody.DataClass.MATCHING,
            why_not=reviewing.why_not_look,
        )
        custody.register_opening(
            grouped_reviewing.OPENING,
            grouped_reviewing.give,
            access_act="match",
            data_class=custody.DataClass.MATCHING,
            why_not=grouped_reviewing.why_not_look,
        )
        custody.register_aside("extract instruction", instruction_shown.aside)
        custody.register_instructor("extract instruction", instruction_shown.for_machine)
        custody.register_aside("counts of a list", list_shown.aside)
        custody.register_comparison("matches", logged.differences)
        custody.register_ground("order for a match", ordering.stands_behind)
        custody.register_removable("results of a match", removing.is_over)
        custody.register_removable("file that is sent again", reopening.is_over)
        # In such good time that the last copy of a key has expired when the clock has run out.
        deadlines.register_due_action(signing.DESTRUCTION, "matching.destroy_inputs", moment=timing.sets_at)
        deadlines.register_due_action(ordering.HOUR, "matching.carry_out_order")
        deadlines.register_due_action(delivering.WINDOW, "matching.close_delivery")
        deadlines.register_follower(delivering.WINDOW, delivering.follow_window)
        deadlines.register_follower(timing.DESTRUCTION, keeping_ends.follow_clock)
        notifications.register(notices.NOTICES | keeping_notices.NOTICES)
        notifications.register(supplier_notices.NOTICES)
