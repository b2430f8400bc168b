"""Runs apart from Mailroom: Django's admin of django-post_office, served by waitress; see `bench.footprint`."""

import sys
from pathlib import Path


def set_up(folder: Path) -> None:
    """A Django project with SQLite in this folder, and as little in it as the admin takes."""
    import django  # type: ignore[import-not-found]
    from django.conf import settings  # type: ignore[import-not-found]

    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="bench.footprint_worker",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}},
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "post_office",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        STATIC_URL="/static/",
        USE_TZ=True,
    )
    django.setup()


def main() -> None:
    """Arguments: `prepare`, a folder, an address and a password; or `serve`, the folder and a port."""
    set_up(Path(sys.argv[2]))
    if sys.argv[1] == "prepare":
        from django.contrib.auth import get_user_model  # type: ignore[import-not-found]
        from django.core.management import call_command  # type: ignore[import-not-found]

        call_command("migrate", verbosity=0)
        get_user_model().objects.create_superuser(sys.argv[3], sys.argv[3], sys.argv[4])
        return
    import waitress
    from django.core.wsgi import get_wsgi_application  # type: ignore[import-not-found]

    waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(sys.argv[3]), threads=6)


if __name__ == "__main__":
    main()
else:
    # Django reads the addresses of its pages from the module that the settings name.
    from django.contrib import admin  # type: ignore[import-not-found]
    from django.urls import path  # type: ignore[import-not-found]

    urlpatterns = [path("admin/", admin.site.urls)]
