"""The ports, implemented. Import the module that you need; each may ask for an extra."""
