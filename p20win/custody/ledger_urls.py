"""Where the ledger's checkpoints and proofs are."""

from django.urls import path

from p20win.custody import ledger_pages

app_name = "ledger"
urlpatterns = [
    path("", ledger_pages.index, name="index"),
    path("checkpoint", ledger_pages.latest, name="latest"),  # as other programs for such logs expect it
    path("checkpoints.atom", ledger_pages.feed, name="feed"),
    path("checkpoints/<int:pk>/", ledger_pages.checkpoint, name="checkpoint"),
    path("checkpoints/<int:pk>/hashes/", ledger_pages.hashes, name="hashes"),
    path("pin/", ledger_pages.pin, name="pin"),
    path("lines/<int:seq>/proof/", ledger_pages.proof, name="proof"),
    path("machine/pin/", ledger_pages.machine_pin, name="machine-pin"),
    path("machine/hashes/<int:start>/", ledger_pages.machine_hashes, name="machine-hashes"),
]
