"""Runs in `.venv-bench`: Flask-Admin's list of the mails, served by waitress; see `bench.browse_peers`."""

import sys
from typing import Any


def app(path: str) -> Any:
    """A Flask application with one view, over the database at `path`, which it cannot write."""
    from flask import Flask
    from flask_admin import Admin  # type: ignore[import-not-found]
    from flask_admin.contrib.sqla import ModelView  # type: ignore[import-not-found]
    from flask_sqlalchemy import SQLAlchemy  # type: ignore[import-not-found]

    made = Flask(__name__)
    made.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///file:{path}?mode=ro&uri=true", SECRET_KEY="bench")
    db = SQLAlchemy(made)

    class Mail(db.Model):  # type: ignore[misc, name-defined]
        __tablename__ = "mails"
        id = db.Column(db.Integer, primary_key=True)
        batch_id = db.Column(db.Integer)
        row = db.Column(db.Integer)
        email = db.Column(db.Text)
        subject = db.Column(db.Text)
        shown = db.Column(db.Text)
        created_at = db.Column(db.Text)
        changed_at = db.Column(db.Text)

    class Mails(ModelView):  # type: ignore[misc]
        can_create = can_edit = can_delete = False
        page_size = 50
        column_display_pk = True
        column_default_sort = ("id", True)
        named_filter_urls = True
        column_filters = ("shown",)
        column_searchable_list = ("email",)

    Admin(made).add_view(Mails(Mail, db.session))
    return made


def main() -> None:
    """Arguments: the database, a port."""
    import waitress

    waitress.serve(app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), threads=6)


if __name__ == "__main__":
    main()
