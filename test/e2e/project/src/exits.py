"""Ends with an exit code of its own, before Spark."""

import sys

print("leaving with 7")
sys.exit(7)
