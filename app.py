"""OCA Mailroom. Read this first: it puts the rooms together. `python app.py` serves."""

from flask import Flask
from flask_babel import Babel
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from mailroom.service import Service
from views import access, account, errors, headers, menu, words

BLUEPRINTS = (account.blueprint,)

# Larger than the largest list and attachment together; read by werkzeug before anything is parsed.
MAX_REQUEST_BYTES = 32_000_000


def create_app(service: Service) -> Flask:
    """The web application over an open mailroom: settings, blueprints, who may, headers.

    service: the open mailroom; the caller closes it.
    """
    app = Flask(__name__)
    app.extensions["mailroom"] = service
    settings = service.settings
    app.config.update(
        SECRET_KEY=service.keys.cookie_key,
        SESSION_COOKIE_NAME="mailroom_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=5_000_000,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=settings.secure_cookies,
        BABEL_DEFAULT_TIMEZONE=settings.zone.key,
    )
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    Babel(app)
    CSRFProtect(app)
    for part in (words, headers, errors, menu, access):
        part.init(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
