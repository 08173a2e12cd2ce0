"""The words a request may use: slugs that are stored, labels that are shown."""

from django.db import models


class Kind(models.TextChoices):
    """What a request is to its project (O-14, O-175)."""

    INITIAL = "initial", "Initial request"
    CONTINUATION = "continuation", "Continuation: more time"
    MODIFICATION = "modification", "Modification: something else changes"


class Status(models.TextChoices):
    """Where a request stands."""

    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Completeness check"
    RETURNED = "returned", "Sent back to the requestor"
    WITH_AGENCIES = "with_agencies", "With the agencies"
    CONDITIONAL = "conditional", "Conditionally approved"
    APPROVED = "approved", "Approved"
    DISAPPROVED = "disapproved", "Disapproved"
    WITHDRAWN = "withdrawn", "Withdrawn"


EDITABLE = frozenset({Status.DRAFT, Status.RETURNED, Status.CONDITIONAL})
ENDED = frozenset({Status.APPROVED, Status.DISAPPROVED, Status.WITHDRAWN})


class LegalBasis(models.TextChoices):
    """What law lets the data be shared (O-18)."""

    AUDIT = "ferpa_audit", "FERPA: audit or evaluation of an education programme"
    STUDIES = "ferpa_studies", "FERPA: studies for, or on behalf of, an education authority"
    UC = "uc", "Unemployment compensation: confidentiality and disclosure rules"
    OTHER = "other", "Another federal or state law"


class Beneficiary(models.TextChoices):
    """Whom the work serves (O-19)."""

    STATE_EDUCATION = "state_education", "A state education authority"
    LOCAL_EDUCATION = "local_education", "A local education authority"
    STATE = "state", "The State, or another state body"
    NOT_STATE = "not_state", "A participating agency that is no state body"


class Protection(models.TextChoices):
    """A method against re-identification beyond the minimum cell size (O-25)."""

    CELLS = "cell_suppression", "Leave out single cells"
    ROWS = "row_suppression", "Leave out whole rows"
    SAMPLING = "sampling", "Publish from a sample only"
    AGGREGATION = "aggregation", "Merge categories"
    ROUNDING = "rounding", "Round counts"
    RANGES = "ranges", "Show ranges instead of counts"
    TOP_BOTTOM = "top_bottom_coding", "Cap the highest and lowest values"
    SWAPPING = "swapping", "Swap values between records"
    NOISE = "noise", "Add random noise"
    SYNTHETIC = "synthetic", "Publish synthetic data"
    OTHER = "other", "Another method"


class AtEnd(models.TextChoices):
    """What happens to the data at the end (O-128)."""

    DESTROY = "destroy", "Destroyed"
    RETURN = "return", "Returned to the agencies, then destroyed"


class Place(models.TextChoices):
    """Where the data is kept and analysed (O-133)."""

    DESKTOP = "desktop", "A secured desktop at the recipient"
    ENCLAVE = "enclave", "A secure enclave"


class Recurrence(models.TextChoices):
    """How often data is wanted."""

    ONCE = "once", "Once"
    RECURRING = "recurring", "Again and again"


class Level(models.TextChoices):
    """What a row of the delivered data stands for."""

    UNIT = "unit", "Unit records: one row a person"
    AGGREGATE = "aggregate", "Aggregated tables only"


class Board(models.TextChoices):
    """Where the approval by an institutional review board stands (O-28)."""

    NOT_NEEDED = "not_needed", "Not needed"
    REQUESTED = "requested", "Asked for"
    APPROVED = "approved", "Approved"


class DataType(models.TextChoices):
    """The type of a data element's values."""

    TEXT = "text", "Text"
    INTEGER = "integer", "Whole number"
    DECIMAL = "decimal", "Number with decimals"
    DATE = "date", "Date"
    BOOLEAN = "boolean", "Yes or no"
    CODE = "code", "Code from a list"
    AMOUNT = "amount", "Amount of money, in dollars"
    EMPLOYER = "employer", "Code of an employer"


class PopulationKind(models.TextChoices):
    """How a population is followed (O-23)."""

    CROSS_SECTION = "cross_section", "Cross-section: one or more years, looked at once"
    COHORT = "cohort", "Longitudinal cohort: followed over years"


class Membership(models.TextChoices):
    """Who counts as a member of a programme (O-125)."""

    ANY_COURSE = "any_course", "Took at least one course"
    ALL_COURSES = "all_courses", "Finished all courses"
    OTHER = "other", "Another rule"


class Side(models.TextChoices):
    """On which side a named person stands (2.g or 2.h of the form)."""

    RECIPIENT = "recipient", "Recipient (2.g)"
    AGENCY = "agency", "Agency or contributing institution (2.h)"


class Scope(models.TextChoices):
    """What a person of 2.h needs the data for; access follows it (O-119)."""

    MATCHING = "matching", "Supports the matching"
    EXPERT = "expert", "Subject expert for matching or analysis"
    OWN_DATA = "own_data", "Own organisation's data linked to other non-education records"


class Outcome(models.TextChoices):
    """What an agency decides on a request (O-32)."""

    APPROVAL = "approval", "Approval"
    CONDITIONAL = "conditional", "Approval on conditions"
    DISAPPROVAL = "disapproval", "Disapproval"


class PersonOutcome(models.TextChoices):
    """What an agency decides on a named person (O-04)."""

    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Refused"
