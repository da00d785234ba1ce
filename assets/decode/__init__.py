"""Reads what strangers uploaded in a process of its own, within limits: ``python -m assets.decode`` (decoding.py).

It knows neither Django nor the database, and its environment holds no secret.
"""

PREVIEW_EDGE = 640
