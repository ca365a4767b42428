"""Fails twice, then works: each attempt leaves a mark in HDFS. Without Spark, as attempts are no matter of it."""

import json
import urllib.request

folder = "http://namenode:9870/webhdfs/v1/flaky"


def call(method, path, operation):
    request = urllib.request.Request(f"{folder}{path}?op={operation}&user.name=sparkplug", method=method)
    return json.load(urllib.request.urlopen(request))


call("PUT", "", "MKDIRS")
attempt = len(call("GET", "", "LISTSTATUS")["FileStatuses"]["FileStatus"]) + 1
call("PUT", f"/{attempt}", "MKDIRS")
print("ATTEMPT", attempt)
if attempt < 3:
    raise RuntimeError(f"attempt {attempt} fails on purpose")
