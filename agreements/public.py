"""The door of the agreements desk."""

from agreements.certificates import file_certificate, issue_hub_certificate
from agreements.engines import engines, register_engines
from agreements.models import (
    OF_THE_RECIPIENT,
    Agreement,
    AgreementStatus,
    Certificate,
    MatchMethod,
    Statement,
    StatementKind,
    TextKind,
)
from agreements.papers import can_be_made as papers_can_be_made
from agreements.papers import pdf as make_paper
from agreements.selectors import (
    agreement_for,
    approved_methods,
    certificates,
    confidentiality_current,
    emou_in_force,
    in_force,
    in_force_tray,
    statement_in_force,
)
from agreements.services import document_bytes, draw_up, end, issue, sign_agreement
from agreements.statements import record_emou, record_method, retire_method, sign_statement
from agreements.terms import input_rules
from p20win.signatures.public import sign

__all__ = [
    "OF_THE_RECIPIENT",
    "Agreement",
    "AgreementStatus",
    "Certificate",
    "MatchMethod",
    "Statement",
    "StatementKind",
    "TextKind",
    "agreement_for",
    "approved_methods",
    "certificates",
    "confidentiality_current",
    "document_bytes",
    "draw_up",
    "emou_in_force",
    "end",
    "engines",
    "file_certificate",
    "in_force",
    "in_force_tray",
    "input_rules",
    "issue",
    "issue_hub_certificate",
    "make_paper",
    "papers_can_be_made",
    "record_emou",
    "record_method",
    "register_engines",
    "retire_method",
    "sign",
    "sign_agreement",
    "sign_statement",
    "statement_in_force",
]
