"""Addresses of the disclosure desk."""

from django.urls import path

from disclosure import (
    by_hand_pages,
    known_pages,
    naming_pages,
    offer_pages,
    released_pages,
    review_pages,
    safe_pages,
    sentences_pages,
    trying_pages,
    views,
)

app_name = "disclosure"
urlpatterns = [
    path("", views.index, name="index"),
    path("for/<uuid:project_pk>/", views.submit, name="submit"),
    path("for/<uuid:project_pk>/self-check/", trying_pages.try_out, name="try"),
    path("for/<uuid:project_pk>/safe-table/", safe_pages.define, name="safe-table"),
    path("<uuid:pk>/submit/", trying_pages.submit_tried, name="submit-tried"),
    path("<uuid:pk>/names/", naming_pages.names, name="names"),
    path("<uuid:pk>/by-hand/", by_hand_pages.by_hand_page, name="by-hand"),
    path("<uuid:pk>/text/", sentences_pages.confirm, name="text"),
    path("<uuid:pk>/workbook/", trying_pages.fetch_workbook, name="workbook"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/tables/", review_pages.look, name="look"),
    path("<uuid:pk>/ruling/", review_pages.ask_ruling, name="ruling"),
    path("rulings/<uuid:pk>/", review_pages.answer_ruling, name="ruling-answer"),
    path("<uuid:pk>/record/", released_pages.record, name="record"),
    path("for/<uuid:project_pk>/released/", released_pages.index, name="released"),
    path("for/<uuid:project_pk>/known/", known_pages.index, name="known"),
    path("for/<uuid:project_pk>/known/hierarchy/", known_pages.load_hierarchy, name="known-hierarchy"),
    path("for/<uuid:project_pk>/known/table/", known_pages.load_table, name="known-table"),
    path("known/<uuid:pk>/", known_pages.one, name="known-one"),
    path("known/<uuid:pk>/remove/", known_pages.remove, name="known-remove"),
    path("for/<uuid:project_pk>/wishes/", review_pages.wishes, name="wishes"),
    path("wishes/<uuid:pk>/end/", review_pages.end_wish, name="wish-end"),
    path("checks/<uuid:pk>/other-ways/", offer_pages.ask, name="offer-ask"),
    path("other-ways/<uuid:pk>/", offer_pages.take, name="offer-take"),
    path("<uuid:pk>/send/", views.send, name="send"),
    path("<uuid:pk>/check/", views.check_again, name="check-again"),
    path("<uuid:pk>/file/", views.new_file, name="new-file"),
    path("<uuid:pk>/clear/", views.clear, name="clear"),
    path("<uuid:pk>/return/", views.give_back, name="return"),
    path("<uuid:pk>/release/", views.release, name="release"),
    path("<uuid:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("<uuid:pk>/package/", views.fetch, name="package"),
    path("<uuid:pk>/copy/", views.file_copy, name="copy"),
]
