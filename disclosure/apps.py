"""The disclosure desk."""

from django.apps import AppConfig


class DisclosureConfig(AppConfig):
    """Outputs in, small cells hidden, agencies read, tables out."""

    name = "disclosure"

    def ready(self) -> None:
        """Tell the vault what it opens, the deadlines what happens when they come, and who hears about it."""
        from disclosure import checks, notices, offering, services, workbooks
        from p20win.custody import public as custody
        from p20win.deadlines import public as deadlines
        from p20win.notifications import public as notifications

        custody.register_opening(
            services.LOOK,
            services.give_sheet,
            access_act="see_counts",
            data_class=custody.DataClass.OUTPUT,
            why_not=checks.why_not_look,
        )
        custody.register_opening(
            services.PACKAGE,
            services.give_package,
            access_act="see_counts",
            data_class=custody.DataClass.OUTPUT,
            why_not=checks.why_no_package,
        )
        custody.register_opening(
            offering.TAKE,
            offering.give,
            access_act="see_counts",
            data_class=custody.DataClass.OUTPUT,
            why_not=offering.why_not_take,
        )
        custody.register_opening(
            workbooks.WORKBOOK,
            workbooks.give,
            access_act="see_counts",
            data_class=custody.DataClass.OUTPUT,
            why_not=workbooks.why_not_fetch,
        )
        deadlines.register_due_action(services.REVIEW_CLOCK, "disclosure.review_time_over")
        notifications.register(notices.NOTICES)
