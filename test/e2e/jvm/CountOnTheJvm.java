package com.example;

import org.apache.spark.sql.SparkSession;

/** A job on the JVM: counts on executors, and says with which arguments it was started. */
public final class CountOnTheJvm {
  private CountOnTheJvm() {}

  public static void main(String[] arguments) {
    SparkSession spark = SparkSession.builder().getOrCreate();
    System.out.println("JVM COUNTED " + spark.range(1000).count() + " " + String.join(",", arguments));
    spark.stop();
  }
}
