"""The user list: named people, and each agency's approval of each of them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from p20win.audit.public import recorded
from p20win.ids import uuid7
from requests_app.vocabulary import PersonOutcome, Scope, Side


class NamedPerson(models.Model):
    """Somebody on a project's user list (2.g, 2.h; O-05). People leave the list, their row stays."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey("requests_app.DataRequest", on_delete=models.PROTECT, related_name="people")
    side = models.CharField("On whose side", max_length=10, choices=Side.choices, default=Side.RECIPIENT)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="named_in"
    )
    is_requestor = models.BooleanField(default=False)
    name = models.CharField("Name", max_length=150)
    organisation = models.CharField("Organisation", max_length=200)
    email = models.EmailField("E-mail")
    phone = models.CharField("Telephone", max_length=40, blank=True)
    position = models.CharField("Title or position", max_length=120, blank=True)
    project_role = models.CharField("Role in the project", max_length=200)
    is_state_employee = models.BooleanField("State employee or official", default=False)  # O-173
    is_contractor = models.BooleanField("Contractor, vendor or agent", default=False)
    contract = models.CharField("Contract that binds them", max_length=200, blank=True)  # O-118
    justification = models.TextField("Why unit records are needed", blank=True)
    scope = models.CharField("Scope", max_length=10, choices=Scope.choices, blank=True)
    named_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["-is_requestor", "side", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                "request",
                Lower("email"),
                name="person_named_once",
                condition=Q(removed_at__isnull=True),
                violation_error_message="Somebody with this e-mail address is on the list already.",
            ),
            models.UniqueConstraint(
                name="one_requestor_named",
                fields=["request"],
                condition=Q(is_requestor=True, removed_at__isnull=True),
            ),
            models.CheckConstraint(name="person_side_known", condition=Q(side__in=Side.values)),
            models.CheckConstraint(
                name="agency_person_has_scope_and_reason",
                condition=~Q(side=Side.AGENCY) | (Q(scope__in=Scope.values) & ~Q(justification="")),
                violation_error_message="A person of 2.h needs a scope, and why unit records are needed.",
            ),
            models.CheckConstraint(
                name="contractor_has_contract",
                condition=Q(is_contractor=False) | ~Q(contract=""),
                violation_error_message="Name the contract that binds this contractor to the agreement.",
            ),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.request.project_id


class PersonApproval(models.Model):
    """What one agency decided on one named person (O-04). A withdrawn one stays, and ends access at once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(NamedPerson, on_delete=models.PROTECT, related_name="approvals")
    agency = models.ForeignKey("accounts.Organisation", on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=8, choices=PersonOutcome.choices)
    reason = models.TextField("Reason", blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_reason = models.TextField("Reason", blank=True)

    history = recorded()

    class Meta:
        ordering: ClassVar = ["at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="person_decided_once_per_agency",
                fields=["person", "agency"],
                condition=Q(withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="person_outcome_known", condition=Q(outcome__in=PersonOutcome.values)
            ),
            models.CheckConstraint(
                name="person_refusal_has_reason",
                condition=~Q(outcome=PersonOutcome.REFUSED) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="person_withdrawal_is_whole",
                condition=Q(
                    withdrawn_at__isnull=True,
                    withdrawn_by__isnull=True,
                    withdrawn_reason="",
                )
                | (Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_reason="")),
            ),
        ]

    def __str__(self) -> str:
        """Return the outcome."""
        return self.get_outcome_display()

    @property
    def project_id(self) -> object:
        """Return the project, for the ledger."""
        return self.person.request.project_id
