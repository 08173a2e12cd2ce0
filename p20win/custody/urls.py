"""Where custody's pages and endpoints are."""

from django.urls import path

from p20win.custody import (
    agency_key_pages,
    api,
    hold_pages,
    invitation_pages,
    key_pages,
    profile_pages,
    schedule_pages,
    ticket_pages,
    tus,
    views,
)

app_name = "custody"
urlpatterns = [
    path("", views.index, name="slots"),
    path("slots/<uuid:pk>/", views.slot, name="slot"),
    path("slots/<uuid:pk>/upload/", views.upload, name="upload"),
    path("slots/<uuid:pk>/uploads/", tus.collection, name="tus"),
    path("slots/<uuid:pk>/uploads/<uuid:upload_pk>/", tus.upload, name="tus-upload"),
    path("slots/<uuid:pk>/window/", schedule_pages.window, name="slot-window"),
    path("slots/<uuid:pk>/terms/", schedule_pages.terms, name="slot-terms"),
    path("slots/<uuid:pk>/tickets/", ticket_pages.issue, name="ticket-issue"),
    path("slots/<uuid:pk>/tickets/<uuid:ticket_pk>/revoke/", ticket_pages.revoke, name="ticket-revoke"),
    path("invitations/<uuid:pk>/", invitation_pages.shown, name="invitation"),
    path("by-ticket/uploads/", tus.ticket_collection, name="ticket-uploads"),
    # No slash at its end: curl would add the file's name to it.
    path("by-ticket/uploads/<uuid:upload_pk>", tus.ticket_upload, name="ticket-upload"),
    path("files/<uuid:pk>/receipt/", views.receipt, name="receipt"),
    path("files/<uuid:pk>/profile/", profile_pages.shown, name="profile"),
    path("files/<uuid:pk>/profile.csv", profile_pages.exported, name="profile-csv"),
    path("machine-keys/", agency_key_pages.index, name="agency-keys"),
    path("machine-keys/enrol/", agency_key_pages.enrol, name="agency-key-enrol"),
    path("machine-keys/<uuid:pk>/", agency_key_pages.detail, name="agency-key"),
    path("machine-keys/<uuid:pk>/revoke/", agency_key_pages.revoke, name="agency-key-revoke"),
    path("keys/ceremonies/", key_pages.ceremonies, name="key-ceremonies"),
    path("keys/", key_pages.inventory, name="keys"),
    path("holds/", hold_pages.index, name="holds"),
    path("holds/for/<uuid:project_pk>/", hold_pages.ask, name="hold-ask"),
    path("holds/<uuid:pk>/", hold_pages.detail, name="hold"),
    path("holds/<uuid:pk>/confirm/", hold_pages.confirm, name="hold-confirm"),
    path("holds/<uuid:pk>/withdraw/", hold_pages.withdraw, name="hold-withdraw"),
    path("holds/<uuid:pk>/ask-lift/", hold_pages.ask_lift, name="hold-ask-lift"),
    path("holds/<uuid:pk>/keep/", hold_pages.keep, name="hold-keep"),
    path("holds/<uuid:pk>/lift/", hold_pages.lift, name="hold-lift"),
    path("trust.pem", views.trust, name="trust"),
    path("hub-keys.json", views.hub_keys, name="hub-keys"),
    path("machine/slots/", api.slots, name="machine-slots"),
    path("machine/slots/<uuid:pk>/", api.slot, name="machine-slot"),
    path("machine/slots/<uuid:pk>/attempts/", api.announce, name="machine-announce"),
    path("machine/attempts/<uuid:pk>/body/", api.body, name="machine-body"),
    path("machine/files/<uuid:pk>/receipt/", api.receipt, name="machine-receipt"),
]
