"""Tries, as hostile user code would, every TCP port of the addresses given, from an executor."""

import json
import select
import socket
import sys
import time

from pyspark.sql import SparkSession

addresses = sys.argv[1].split(",")
AT_ONCE = 2000
PATIENCE_SECONDS = 0.4


def find_open(address, ports):
    """Those of the ports that accept a connection within the patience."""
    poll = select.poll()
    waiting = {}
    for port in ports:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex((address, port))
        waiting[connection.fileno()] = (connection, port)
        poll.register(connection, select.POLLOUT)
    opened = []
    end = time.monotonic() + PATIENCE_SECONDS
    while waiting and (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            connection, port = waiting.pop(number)
            poll.unregister(number)
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                opened.append(port)
            connection.close()
    for connection, _ in waiting.values():
        connection.close()
    return opened


def scan(_):
    found = []
    for address in addresses:
        for first in range(1, 65536, AT_ONCE):
            found += [f"{address}:{port}" for port in find_open(address, range(first, min(first + AT_ONCE, 65536)))]
    return found


spark = SparkSession.builder.getOrCreate()
# A port that is known to be open shows that the scan sees what there is.
control = spark.sparkContext.parallelize([socket.gethostbyname("spark-master")], 1).map(lambda a: find_open(a, [7077]))
print("INTRUDER " + json.dumps({"known": control.collect()[0], "open": spark.sparkContext.parallelize([1], 1).map(scan).collect()[0]}))
spark.stop()
