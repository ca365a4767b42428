// What a caller may not ask of a run: Spark settings that the cluster owns.
import { refuseSparkSetting } from '../config/spark-settings.ts';
import { SparkPlugError } from '../errors.ts';

/** CONFIG_INVALID with every setting that is SparkPlug's own, as for the project file. */
export function checkSparkConf(sparkConf: Readonly<Record<string, string>> = {}): void {
  const problems = Object.entries(sparkConf).flatMap(([key, met]) => {
    const refusal = refuseSparkSetting(key);
    return refusal === null ? [] : [{ place: `sparkConf.${key}`, met, ...refusal }];
  });
  const [first] = problems;
  if (first === undefined) return;
  throw new SparkPlugError('CONFIG_INVALID', `${first.place}: ${first.message}`, { hint: first.hint, problems });
}
