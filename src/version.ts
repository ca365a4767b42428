// The version of this copy of SparkPlug: CLI and conductor tell each other theirs.
import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
