"""Every number the hub has promised to keep, and where the promise is written.

These are floors. An agency or an agreement may be stricter, as a row; never looser. A number here changes
only with a decision record in docs/adr. Each line says what is promised, where it is written, and the
obligation it serves; "ours" marks what the papers leave open and we set. docs/policy.md is printed from this
file. How a rule counts stands in p20win/calendar.py; whom it reminds and who may extend it, in
p20win/deadlines/clocks.py.
"""

import datetime as dt
from fractions import Fraction
from typing import Final

from p20win.calendar import (
    Before,
    BusinessDays,
    BusinessHours,
    CalendarDays,
    Hours,
    Lapse,
    Lead,
    Months,
    OfficeHours,
    Rule,
    Until,
    Years,
)

# ---- Requests
REQUEST_NUMBER_DIGITS: Final = 4  # digits in DR-NNNN: DSA VI.A, Ex.A 1.c (O-15)
MIN_AGENCIES: Final = 2  # fewer agencies than this and the request is not ours to handle: EM XI (O-17, O-176)
CONFIDENTIALITY_STATEMENTS: Final = 12  # statements that a requestor affirms one by one: Ex.A 4.b (O-27)
PRE_PROPOSAL_MAX_PAGES: Final = 2  # length of the short pre-proposal: GOV (O-99)
COMPLETENESS_CHECK: Final = BusinessDays(5)  # operating group looks a request over: ours (O-31, O-96)
AGENCY_DECISION: Final = BusinessDays(20)  # each agency decides on a complete request: ours (O-32, O-96)
RESUBMISSION: Final = BusinessDays(20)  # requestor adds what was asked for: ours (O-35, O-96)
PERSON_DECISION: Final = BusinessDays(10)  # each agency decides on a named person: ours (O-04, O-96)

# ---- The enterprise memorandum, its boards and parties
NOTICE_CONTACT_CHANGE: Final = BusinessDays(10)  # a change of notice contact is announced: EM XVIII.C (O-03)
EMOU_TERM: Final = Until(Years(3))  # the memorandum holds: EM XVIII.B (O-39, O-165)
EMOU_RENEWAL: Final = Before(Months(12))  # signing round for the next term begins: ours (O-140)
MEMBERSHIP_REVIEW: Final = BusinessDays(30)  # governing board reviews an application: EM-App1 1 (O-40)
MEMBERSHIP_CONCERNS: Final = BusinessDays(10)  # operating group decides on privacy concerns: EM-App1 1 (O-40)
VOLUNTARY_SUSPENSION_NOTICE: Final = Lead(Hours(24))  # written notice before it starts: EM-App1 2.A (O-41)
COMPLAINT_MEETING: Final = BusinessDays(5)  # governing board meets on a complaint: EM-App1 2.B (O-41, O-172)
COMPLAINT_RESOLUTION: Final = CalendarDays(30)  # else it goes to the executive board: EM-App1 2.B (O-41)
OFFICE_HOURS: Final = OfficeHours(dt.time(8, 30), dt.time(16, 30))  # what a business hour is: ours (O-41)
SUSPENSION_SUMMARY: Final = BusinessHours(12, OFFICE_HOURS)  # reasons told in writing: EM-App1 2.B (O-41)
PLAN_OF_CORRECTION: Final = BusinessDays(10)  # suspended agency's plan or objection: EM-App1 2.B (O-41)
PLAN_REVIEW: Final = BusinessDays(10)  # governing board reviews that plan: EM-App1 2.B (O-41)
REINSTATEMENT_DEFICIENCIES: Final = BusinessDays(5)  # what still lacks is told: EM-App1 3.B (O-42)
REINSTATEMENT: Final = BusinessDays(3)  # access back after a favourable decision: EM-App1 3.B (O-42)
CHANGE_REQUEST_CONTENTS: Final = 8  # items in the catalogue of changes: EM-App4 2 (O-44)
CHANGE_FORWARDED: Final = BusinessDays(5)  # change request reaches the governing board: EM-App4 3 (O-44)
COMPLIANCE_CHANGE_FINDINGS: Final = CalendarDays(30)  # governing board presents: EM-App4 3.A.3 (O-44)
COMPLIANCE_CHANGE_DECISION: Final = CalendarDays(14)  # executive board decides: EM-App4 3.A.3 (O-44)
PROCESS_CHANGE_QUESTIONS: Final = 4  # questions each party answers: EM-App4 3.A.1 (O-154)
WITHDRAWAL_NOTICE: Final = Lead(CalendarDays(30))  # an agency leaves the memorandum: EM XVIII.B (O-45)
CHAIR_TERM: Final = Until(Years(2))  # chair of the executive board: EM IV (O-46)
RESIDENT_MEMBER_TERM: Final = Until(Years(2))  # member of the resident board: EM VI (O-151)
EXECUTIVE_BOARD_MEETING: Final = Months(3)  # from one regular meeting to the next: EM IV (O-151)
GOVERNING_BOARD_MEETING: Final = Months(1)  # likewise: EM V.A.1 (O-151)
BOARD_NOTICE: Final = Lead(CalendarDays(7))  # public notice and agenda before a meeting: GOV (O-151)
BOARD_QUORUM: Final = Fraction(2, 3)  # of the members: GOV (O-102)
MIN_STEWARDS: Final = 2  # data stewards an agency has at least: GOV (O-101)
FOI_COORDINATION: Final = Hours(24)  # talk with the owner of the data begins: EM X (O-49, O-172)
FOI_COORDINATION_LIMIT: Final = Hours(48)  # and is missed after this: EM X (O-49, O-172)
ACCESS_REVIEW: Final = Months(3)  # who at the hub still needs access: EM XVII.C, interval ours (O-11)
LEAVER_NOTICE: Final = Hours(24)  # others are told that a person with access left: GOV (O-109)
DICTIONARY_REFRESH: Final = Years(1)  # each agency's part of the data dictionary: GOV (O-114)
LEARNING_AGENDA_REVIEW: Final = Years(1)  # the questions by theme: GOV (O-116)
EQUITY_REPORT: Final = Years(1)  # the governing board's: EM V.A.7 (O-92)
LEGAL_OBSTACLES_REVIEW: Final = Years(1)  # refusals and delays by cause: SDP goal 5 (O-160)

# ---- People
ACKNOWLEDGEMENT_POINTS: Final = 7  # points an acknowledgement text must cover: DSA II.D, Ex.B (O-121)
ACKNOWLEDGEMENT_POINTS_POLICY: Final = 6  # points a written policy must cover: DSA II.D (O-07, O-121)
CONFIDENTIALITY_LAPSE: Final = Lapse(Years(1))  # a person's statement holds: Ex.C, DSA VI.E (O-06)

# ---- Agreement
SIGNATURE: Final = BusinessDays(10)  # each party signs what it was sent: ours (O-53, O-96)
TERMINATION_NOTICE: Final = Lead(CalendarDays(60))  # to all other parties, in writing: DSA XI (O-55)
DATA_DESTRUCTION: Final = Months(12)  # recipient, from data and crosswalk in hand: Ex.A 4.a (O-26, O-166)
EXTENSION_REQUEST: Final = Before(CalendarDays(30))  # asked with reasons, before the end: DSA VI.H (O-86)

# ---- Files and match
TRANSMISSION_WINDOW: Final = Until(BusinessDays(10))  # an upload slot is open: DSA IV, length ours (O-59)
UPLOAD_TICKET_HOURS: Final = 24  # longest life of a ticket by which a program sends one file: ours (O-59)
SSN_DIGITS: Final = 9  # leading zeros kept: GOV (O-104)
SASID_DIGITS: Final = 10  # no leading zeros: GOV (O-104)
SCHOOL_CODE_DIGITS: Final = 6  # high-school code, zeros kept: GOV (O-104)
MALWARE_DEFINITIONS_DAYS: Final = 3  # days until the scanner's definitions are called old: ours (O-62)
DAMAGED_ARRIVAL_DAYS: Final = 3  # days that what arrived damaged is kept as evidence: ours (O-63, O-65)
REREAD_DAYS: Final = 30  # days within which every sealed file is read again for damage: ours (O-63)
PROFILE_DRIFT_POINTS: Final = 10  # a share in a file moves by more, and is pointed at: ours (O-97)
PROFILE_DRIFT_ROWS: Final = 25  # per cent more or fewer rows than before, likewise: ours (O-97)
MATCH_AGREEMENT: Final = BusinessDays(5)  # each party says that the match is optimal: ours (O-70, O-169)
INPUT_DESTRUCTION: Final = BusinessDays(10)  # agency data at the hub, from the match: DSA III.F.3 (O-65)
INPUT_DESTRUCTION_STEWARDS: Final = BusinessDays(5)  # from the stewards' confirmation: GOV (O-107)
INPUT_DESTRUCTION_COLLEGES: Final = Hours(24)  # where the independent colleges supplied data: GOV (O-107)
DESTRUCTION_HOUR: Final = Lead(Hours(1))  # between notice and act, to withdraw or hold it: ours (O-65)
DESTRUCTION_WORK_HOURS: Final = 1  # hours kept free for the work itself before a deadline: ours (O-65)
INPUTS_KEPT_DAYS: Final = 180  # from the match, the latest day all parties can agree on: ours (O-65)
KEEPING_WORD: Final = Before(Hours(1))  # each party signs or refuses, before the vault begins: ours (O-65)
LEGAL_HOLD: Final = Until(Months(12))  # the longest a hold is set for at a time: ours (O-65)
LIMITATIONS: Final = BusinessDays(1)  # the hub describes the limits of a result: ours (O-76)
DESTRUCTION_CONFIRMATION: Final = BusinessDays(1)  # a second person confirms or withdraws it: ours (O-65)
HOLD_CONFIRMATION: Final = BusinessDays(
    1
)  # a second person answers who asks for a hold, or its end: ours (O-65)
ABANDONMENT_CONFIRMATION: Final = BusinessDays(1)  # a second person answers who asks for it: ours (O-65)
CLOSING_CONFIRMATION: Final = BusinessDays(1)  # a second person confirms or withdraws it: ours (O-65, O-117)
CLOSING_HOUR: Final = Lead(
    Hours(1)
)  # between notice and a project's end, to withdraw or hold it: ours (O-117)
DESTRUCTION_WAITS: Final = Hours(4)  # what keeps an ordered destruction waiting is mended: ours (O-65)

# ---- Keys and backups
KEY_SNAPSHOT_DAYS: Final = 5  # days that a copy of the key store is kept: ours, to keep O-65 true (O-65)
MASTER_KEY_DAYS: Final = 365  # days until the master key is rotated: ours (O-58)
BACKUP_KEY_DAYS: Final = 365  # days until the key of the backups is renewed: ours (O-58)
BACKUP_DAYS: Final = 35  # days a backup of the database is kept: ours (O-58)
CUSTODIANS: Final = 5  # people who each keep a share of the master key: ours (O-58)
CUSTODIANS_NEEDED: Final = 3  # of them to bring the master key back: ours (O-58)
CEREMONY_HOURS: Final = 4  # hours within which a confirmed ceremony is carried out: ours (O-58)
VAULT_KEY_DAYS: Final = 365  # days until the keys that open what arrives are renewed: ours (O-58)
VAULT_KEY_OVERLAP_DAYS: Final = 30  # days that such a key still opens beside its successor: ours (O-58)
HUB_KEY_DAYS: Final = 1095  # days until the key that signs for the hub is renewed: ours (O-58)
HUB_KEY_OVERLAP_DAYS: Final = 400  # days that it leads on to its successor; some send yearly: ours (O-58)
HUB_KEYS_DAYS: Final = 7  # days that a signed list of the hub's keys holds; renewed daily: ours (O-58)
SIGNING_KEY_OVERLAP_DAYS: Final = 7  # days that a replaced key of an agency still works: ours (O-59)
SIGNING_KEY_COOLING_HOURS: Final = 24  # hours from enrolling an agency's key to its first use: ours (O-59)

# ---- Ledger
CHECKPOINT_HOURS: Final = 1  # hours from one signed checkpoint of the ledger to the next: ours (O-64)

# ---- Delivery
DOWNLOAD: Final = Until(
    CalendarDays(14)
)  # delivered files can be fetched: DSA VI.C, length ours (O-74, O-177)
DOWNLOAD_HOURS: Final = 24  # hours that one person's download stays open, resumptions included: ours (O-74)
RECEIPT_CONFIRMATION: Final = BusinessDays(5)  # who downloaded confirms what was received: ours (O-64, O-74)
RECALL_DELETION: Final = BusinessDays(3)  # copies of a recalled version are deleted: ours (O-73, O-74)
COMPLETENESS_QUESTIONS: Final = Until(BusinessDays(10))  # recipient may ask about the data: DSA VI.B (O-75)
QUESTION_ANSWER: Final = BusinessDays(10)  # such a question is answered: ours (O-75)
CORRECTED_VERSION: Final = BusinessDays(5)  # a version promised in answer to one is delivered: ours (O-75)

# ---- Disclosure review
MIN_CELL_COUNT: Final = 6  # no displayed cell stands for fewer: DSA VI.G.2.a (O-78, O-115)
MIN_EMPLOYERS: Final = 6  # employers behind a displayed cell: DSA I, II.F (O-135)
MIN_PERCENT_BASE: Final = 20  # no percentage or formula on a smaller base: DSA VI.G.2.b (O-79, O-167)
MIN_PERCENT_COUNT: Final = 0  # nor of fewer people than this; 20 to ask it of the count itself: ours (O-167)
PREPUBLICATION_REVIEW: Final = Lead(BusinessDays(10))  # agencies read before release: DSA VI.G.1 (O-77)
OUTPUT_CLEARANCE: Final = BusinessDays(10)  # each agency confirms in writing: DSA VI.G.1 (O-82, O-150)
SAFE_TABLES_UNRELEASED: Final = 10  # tables of a project that its users had counted and wait: ours (O-81)
SAFE_TABLE_DAYS: Final = 30  # days in which those are counted, withdrawn ones too: ours (O-81)
PUBLISHED_COPY: Final = CalendarDays(30)  # a copy of what was published arrives: DSA VI.G.2 (O-84)

# ---- End of project
DESTRUCTION_CERTIFICATE: Final = BusinessDays(3)  # from the destruction: DSA VI.H, Ex.F (O-85)
CERTIFICATE_KEPT: Final = Lead(Years(1))  # the original, from its submission: Ex.F (O-85)

# ---- Incidents
BREACH_REPORT: Final = Hours(24)  # from discovery or reasonable belief: EM-App2 1 (O-88, O-172)
BREACH_REPORT_CONTENTS: Final = 8  # items, as far as known: EM-App2 1 (O-88)

# Each rule by its slug: PREPUBLICATION_REVIEW is "prepublication-review".
RULES: Final[dict[str, Rule]] = {
    name.lower().replace("_", "-"): value
    for name, value in tuple(globals().items())
    if isinstance(value, Rule)
}
