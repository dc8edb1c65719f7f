"""Superset's settings. What differs from its defaults, and all it writes, in `$TOUCHSTONE_HOME/bi`."""

import logging

from bi.home import home

_STATE = home() / "bi"

SECRET_KEY = (_STATE / "secret_key").read_text()
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_STATE / 'superset.db'}"
# Superset takes DuckDB for unsafe, as it can read any file: bundle.py connects so that it can't.
PREVENT_UNSAFE_DB_CONNECTIONS = False
UPLOAD_FOLDER = IMG_UPLOAD_FOLDER = str(_STATE / "tmp")
LOG_LEVEL = logging.ERROR

# The pages may load nothing from elsewhere. Superset's own policy lets its telemetry pixel and map servers through.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "font-src": ["'self'", "data:"],
        "img-src": ["'self'", "blob:", "data:"],
        "object-src": "'none'",
        "script-src": ["'self'", "'strict-dynamic'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "worker-src": ["'self'", "blob:"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
