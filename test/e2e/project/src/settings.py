"""Shows what reaches a job: arguments, environment, a secret on driver and executors, packages of all kinds."""

import hashlib
import json
import os
import subprocess
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()


def digest(_=None):
    import tabulate

    with open("/run/secrets/warehouse_password", "rb") as secret:
        return hashlib.sha256(secret.read()).hexdigest() + " " + tabulate.__version__


def gomp(_=None):
    return "libgomp.so.1" in subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout


on_executors = spark.sparkContext.parallelize([1], 1).map(digest).collect()[0]
gomp_on_executors = spark.sparkContext.parallelize([1], 1).map(gomp).collect()[0]
driver_class = spark.sparkContext._jvm.java.lang.Class.forName(
    "org.postgresql.Driver", True, spark.sparkContext._jvm.java.lang.Thread.currentThread().getContextClassLoader()
)
# Calls of static methods in the JVM of a task; the second tells whose JVM that is.
on_jvm = (
    spark.range(1, numPartitions=1)
    .selectExpr("reflect('org.postgresql.Driver', 'getVersion')", "reflect('java.lang.System', 'getProperty', 'sun.java.command')")
    .first()
)
found = {
    "args": sys.argv[1:],
    "mode": os.environ.get("SP_E2E_MODE"),
    "driver": digest(),
    "executor": on_executors,
    "gomp": [gomp(), gomp_on_executors],
    "jvm": [driver_class.getName(), on_jvm[0], on_jvm[1].split()[0].rsplit(".", 1)[-1]],
    "user": os.getuid(),
}
print("SETTINGS " + json.dumps(found))
spark.stop()
