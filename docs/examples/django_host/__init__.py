"""A shop's orders in a Django project: an example of a host, not of the package.

The ports are in ``store.py``, ``logs.py`` and ``mail.py``, over the tables of ``models.py``; pages
and a management command use them. ``settings.py`` makes a project of it, for trying it out.
"""
