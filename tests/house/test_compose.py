"""The production services: who gets which secret, and who can reach what; each slip is noticed (C28)."""

import copy

import pytest
import yaml

from tools import compose

TEXT = compose.FILE.read_text(encoding="utf-8")


def slipped(change):
    """Return what is said of the file after a change."""
    wrong = copy.deepcopy(yaml.safe_load(TEXT))
    change(wrong)
    return " ".join(compose.troubles(yaml.safe_dump(wrong)))


def test_the_file_is_as_it_should_be():
    assert compose.troubles(TEXT) == []


SLIPS = {
    "a worker that reaches the key service": (
        lambda file: file["services"]["worker"]["networks"].append("keys"), "worker: its networks"
    ),
    "a clock with a way out": (
        lambda file: file["services"]["beat"].update(networks=["inside", "mail"]), "beat: its networks"
    ),
    "a service on the default network": (
        lambda file: file["services"]["web"].pop("networks"), "web: its networks"
    ),
    "the machine's own network": (
        lambda file: file["services"]["vault"].update(network_mode="host"), "vault: it may not choose"
    ),
    "an inside that is open": (lambda file: file["networks"].update(inside={}), "“inside” must be internal"),
    "a scanner among the rows": (
        lambda file: file["services"]["scanner"]["networks"].append("inside"), "scanner: its networks"
    ),
    "pages that lead out": (lambda file: file["networks"].update(pages={}), "“pages” leads out"),
    "machines that lead out": (lambda file: file["networks"].update(machines=None), "“machines” leads out"),
    "a network nobody knows": (lambda file: file["networks"].update(other={}), "networks differ: ['other']"),
    "a secret too many": (
        lambda file: file["services"]["web"]["secrets"].append("transit_token"), "web: its secrets"
    ),
    "a database reached from outside": (
        lambda file: file["services"]["database"].update(ports=["5432:5432"]), "database: only web and sftp"
    ),
    "another program with the keys": (
        lambda file: file["services"]["worker"].update(volumes=["keystore:/k"]), "worker: only the vault"
    ),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_c28_a_slip_is_noticed(slip):
    change, says = SLIPS[slip]
    assert says in slipped(change)
