"""Shows its arguments and ends, without Spark: nothing else is asked of it."""

import json
import sys

print("ARGUMENTS " + json.dumps(sys.argv[1:]))
