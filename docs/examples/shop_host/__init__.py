"""One shop's Orders page as a web site, and its worker: an example of a host, not of the package.

``python -m shop_host`` serves the site with a worker beside it; ``python -m shop_host.worker`` is
the worker alone. Both take their settings from the environment; see ``host.py``.
"""
