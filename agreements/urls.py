"""Addresses of the agreements desk."""

from django.urls import path

from agreements import method_pages, views

app_name = "agreements"
urlpatterns = [
    path("", views.index, name="index"),
    path("statements/", views.my_statements, name="statements"),
    path("statements/acknowledgement/", views.sign_statement, name="sign-acknowledgement"),
    path("statements/<uuid:project_pk>/", views.sign_statement, name="sign-confidentiality"),
    path("methods/", method_pages.index, name="methods"),
    path("methods/new/", method_pages.record, name="method-new"),
    path("methods/<uuid:pk>/retire/", method_pages.retire, name="method-retire"),
    path("documents/<uuid:pk>/", views.document, name="document"),
    path("for/<uuid:project_pk>/", views.draw_up, name="draw-up"),
    path("for/<uuid:project_pk>/certificate/", views.file_certificate, name="certificate"),
    path("<uuid:pk>/", views.detail, name="detail"),
    path("<uuid:pk>/issue/", views.issue, name="issue"),
    path("<uuid:pk>/sign/", views.sign, name="sign"),
]
