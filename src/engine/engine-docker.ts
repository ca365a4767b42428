// The part of the Docker adapter that the engine folder uses.
import type { Docker } from '../adapters/docker/docker.ts';

/** Reading: what runs where. */
export type ObservingDocker = Pick<Docker, 'services' | 'tasks'>;
/** Reading: the machines. */
export type SurveyingDocker = Pick<Docker, 'info' | 'nodes' | 'services' | 'tasks'>;
/** Changing: one stack deploy, and clearing away what earlier ones left. */
export type DeployingDocker = Pick<
  Docker,
  'stackDeploy' | 'restartService' | 'configs' | 'removeConfig' | 'secrets' | 'removeSecret'
>;
/** Changing: images into a registry. */
export type PublishingDocker = Pick<Docker, 'imageId' | 'tag' | 'push' | 'pull'>;
/** Removing everything of a project. */
export type RemovingDocker = Pick<
  Docker,
  | 'services'
  | 'stackRemove'
  | 'containers'
  | 'networks'
  | 'removeNetwork'
  | 'configs'
  | 'removeConfig'
  | 'secrets'
  | 'removeSecret'
  | 'volumes'
  | 'removeVolume'
>;
