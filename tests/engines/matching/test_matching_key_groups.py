"""Match rates by race and the like, counted from the key and another file of the same people."""

import pyarrow as pa
import pytest

from matching.engine import key_groups, spec, suppress

ID = "SyntheticID"


def key(matched, alone, *, other="CSCU"):
    """Return a key in which so many people of SDE are matched and so many stand alone."""
    rows = [("SDE", f"SDE-{n}", f"p{n}") for n in range(matched + alone)]
    rows += [(other, f"{other}-{n}", f"p{n}") for n in range(matched)]
    files, ids, links = zip(*rows, strict=True)
    return pa.table({"link_id": links, "file": files, "id": ids})


def sheet(*rows):
    ids, values = zip(*rows, strict=True)
    return pa.table({ID: pa.array(ids, pa.string()), "Race": pa.array(values, pa.string())})


def rates(crosswalk, *batches, columns=("Race",)):
    found = key_groups.of_file("SDE", crosswalk, columns, batches, id_column=ID)
    return {
        entry["by"]: {g["group"]: (g["count"], g["of"], g["behind"]) for g in entry["groups"]}
        for entry in found
    }


@pytest.mark.obligation("O-113")
class TestGroupsOfTheKey:
    def test_each_person_counts_once_in_the_group_that_the_other_file_names(self):
        people = [(f"SDE-{n}", "Asian" if n % 2 else "White") for n in range(100)]
        twice = [*people, *people[:30]]

        found = rates(key(60, 40), sheet(*twice[:70]), sheet(*twice[70:]))

        assert found == {"Race": {"Asian": (30, 50, False), "White": (30, 50, False)}}

    def test_who_lies_behind_is_marked_and_listed_by_the_report(self):
        people = [(f"SDE-{n}", "Asian" if n < 40 or n > 90 else "White") for n in range(100)]

        found = rates(key(60, 40), sheet(*people))

        assert found["Race"]["White"] == (20, 51, True)
        assert found["Race"]["Asian"] == (40, 49, False)

    def test_two_values_of_a_person_no_row_and_a_blank_are_groups_of_their_own(self):
        people = [(f"SDE-{n}", "White") for n in range(50)]
        people += [(f"SDE-{n}", "Asian") for n in range(20, 50)]
        people += [(f"SDE-{n}", " ") for n in range(60)]
        people += [("SDE-stranger", "Other")]

        found = rates(key(40, 40), sheet(*people))

        assert found["Race"] == {
            "White": (20, 20, False),
            key_groups.SEVERAL: (20, 30, False),
            "not known": (0, 30, True),
        }

    def test_a_column_that_could_be_anything_is_left_out(self):
        free = [(f"SDE-{n}", f"words {n}") for n in range(40)]
        long = [(f"SDE-{n}", "x" * 50) for n in range(40)]

        assert rates(key(40, 0), sheet(*free)) == {}
        assert rates(key(40, 0), sheet(*free[:10]), sheet(*free[10:])) == {}
        assert rates(key(40, 0), sheet(*long)) == {}
        assert rates(key(40, 0), sheet(*((one, "") for one, _ in free))) == {}

    def test_rare_values_stand_together_and_small_counts_do_not_leave(self):
        people = [(f"SDE-{n}", "White") for n in range(80)] + [("SDE-80", "Tribe A"), ("SDE-81", "Tribe B")]
        found = key_groups.of_file("SDE", key(60, 22), ["Race"], [sheet(*people)], id_column=ID)

        (hidden,) = suppress.suppressed({"subgroups": found}, 6)["subgroups"]

        assert {group["group"] for group in hidden["groups"]} == {"White", "other values"}
        assert all(group["count"] is None for group in hidden["groups"])

    def test_one_file_alone_is_matched_with_none(self):
        alone = pa.table({"link_id": ["p1"], "file": ["SDE"], "id": ["SDE-1"]})
        assert rates(alone, sheet(("SDE-1", "White"))) == {}
        assert rates(alone.slice(1), sheet(("SDE-1", "White"))) == {}


@pytest.mark.obligation("O-113")
def test_columns_of_race_are_known_by_their_headers():
    headers = ["SyntheticID", "GradeLevelCode", "RaceEthnicityReportingText", "HispanicOrLatino", "White"]
    assert spec.groups_of(headers) == ("RaceEthnicityReportingText", "HispanicOrLatino", "White")
