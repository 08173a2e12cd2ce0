"""Texts are data, papers are tagged and fetch nothing, and the seal shows any change."""

import io
import shutil
import subprocess

import pytest
from pypdf import PdfReader

from agreements import papers, seal, wording
from p20win import clock
from p20win.jobs.public import MustWait


class TestWording:
    def test_a_placeholder_that_the_kind_lacks_is_named(self):
        with pytest.raises(wording.UnfitText, match=r"\$salary is not known"):
            wording.check_body("acknowledgement", "I am $person and earn $salary.")

    def test_a_lone_dollar_sign_is_explained(self):
        with pytest.raises(wording.UnfitText, match=r"Write \$\$"):
            wording.check_body("acknowledgement", "It costs $ 5.")

    @pytest.mark.parametrize(
        "typed",
        [
            "{{ 7*7 }}",
            "{% load p20 %}",
            "<script>alert(1)</script>",
            "$person",
            "**bold**",
            "![x](http://example.org)",
        ],
    )
    def test_what_people_type_is_shown_and_never_executed(self, typed):
        values = {"person": typed, "position": "analyst", "organisation": "An Office"}

        html = papers.text_as_html("acknowledgement", "I am $person.", values)

        assert "<script" not in html
        assert "<img" not in html
        assert "<strong>" not in html
        shown = html.replace("&lt;", "<").replace("&gt;", ">")
        assert typed in shown


@pytest.fixture
def sealed(settings, tmp_path):
    """Return a sealed paper, with the demo's own key."""
    settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE = tmp_path / "k.pem", tmp_path / "c.pem"
    seal.make_key(settings.P20WIN_SEAL_KEY, settings.P20WIN_SEAL_CERTIFICATE, now=clock.real_now())
    paper = papers.pdf(
        "documents/base.html", {}, attachments=[("original.pdf", b"%PDF-signed", "The original")]
    )
    return seal.seal(paper, reason="A test")


class TestPapers:
    def test_is_tagged_and_carries_the_original(self, sealed):
        reader = PdfReader(io.BytesIO(sealed))

        assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
        assert reader.attachments["original.pdf"] == [b"%PDF-signed"]

    @pytest.mark.obligation("O-53")
    @pytest.mark.skipif(not shutil.which("pdfsig"), reason="pdfsig (Debian's poppler-utils) is not installed")
    def test_an_independent_reader_accepts_the_seal_and_sees_a_change(self, sealed, tmp_path):
        good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
        good.write_bytes(sealed)
        place = sealed.index(b"/MarkInfo")
        bad.write_bytes(sealed[:place] + b"/MarkInfp" + sealed[place + 9 :])

        def verdict(path):
            return subprocess.run(
                ["pdfsig", "-nocert", path], capture_output=True, text=True, check=False
            ).stdout

        assert "Signature is Valid" in verdict(good)
        assert "Total document signed" in verdict(good)
        assert "Signature is Valid" not in verdict(bad)

    def test_may_not_fetch_anything(self, tmp_path, settings):
        secret = tmp_path / "secret.txt"
        secret.write_text("hidden")
        (tmp_path / "evil.html").write_text(
            f'<html lang="en"><title>x</title><img alt="" src="file://{secret}">'
            f'<link rel="attachment" href="file://{secret}">'
        )
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

        paper = papers.pdf("evil.html", {})

        assert not PdfReader(io.BytesIO(paper)).attachments
        assert b"hidden" not in paper


def test_without_pango_a_paper_waits_and_says_so(monkeypatch):
    monkeypatch.setattr(papers, "can_be_made", lambda: False)
    with pytest.raises(MustWait, match="Pango is missing here"):
        papers.pdf("documents/certificate.html", {})
