"""Addresses of the matching desk."""

from django.urls import path

from matching import delivery_views, destruction_pages, question_views, views

app_name = "matching"
urlpatterns = [
    path("", views.index, name="index"),
    path("for/<uuid:project_pk>/open/", views.open_match, name="open"),
    path("runs/<uuid:pk>/", views.report, name="report"),
    path("runs/<uuid:pk>/report.html", views.report_file, name="report-file"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/start/", views.start, name="start"),
    path("<uuid:pk>/agree/", views.agree, name="agree"),
    path("<uuid:pk>/reject/", views.reject, name="reject"),
    path("<uuid:pk>/limitations/", delivery_views.limitations, name="limitations"),
    path("<uuid:pk>/attest/", delivery_views.attest, name="attest"),
    path("<uuid:pk>/replace/", delivery_views.replace, name="replace"),
    path("deliveries/<uuid:pk>/", delivery_views.delivery, name="delivery"),
    path("deliveries/<uuid:pk>/papers/", delivery_views.papers, name="papers"),
    path("deliveries/<uuid:pk>/download/", delivery_views.download, name="download"),
    path("deliveries/<uuid:pk>/recall/", delivery_views.recall, name="recall"),
    path("deliveries/<uuid:pk>/more-time/", delivery_views.more_time, name="more-time"),
    path("deliveries/<uuid:pk>/deleted/", delivery_views.deleted, name="deleted"),
    path("deliveries/<uuid:pk>/ask/", question_views.ask, name="ask"),
    path("downloads/<uuid:pk>/file/", delivery_views.file, name="download-file"),
    path("downloads/<uuid:pk>/by-program/", delivery_views.file_by_program, name="download-by-program"),
    path("downloads/<uuid:pk>/ticket/", delivery_views.ticket, name="ticket"),
    path("downloads/<uuid:pk>/receipt/", delivery_views.receipt, name="receipt"),
    path("questions/<uuid:pk>/forward/", question_views.forward, name="question-forward"),
    path("questions/<uuid:pk>/reply/", question_views.reply, name="question-reply"),
    path("questions/<uuid:pk>/answer/", question_views.answer, name="question-answer"),
    path("<uuid:pk>/destroy/", destruction_pages.ask, name="destroy"),
    path("<uuid:pk>/destroy/confirm/", destruction_pages.confirm, name="destroy-confirm"),
    path("<uuid:pk>/destroy/withdraw/", destruction_pages.withdraw, name="destroy-withdraw"),
]
