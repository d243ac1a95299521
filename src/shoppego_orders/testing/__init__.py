"""What a host uses to test its own adapters.

:mod:`~shoppego_orders.testing.strategies` makes values for Hypothesis to try. Importing this
package loads none of that: each module is imported by its own name.
"""
