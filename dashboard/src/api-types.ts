// The shapes of the REST API, by its description.
import type { components } from '../../src/api/openapi.d.ts';

type Schemas = components['schemas'];
export type ProblemDetails = Schemas['ProblemDetails'];
export type Failure = Schemas['Failure'];
export type RunState = Schemas['RunState'];
export type Progress = Schemas['Progress'];
export type Run = Schemas['Run'];
export type RunEvent = Schemas['RunEvent'];
export type JobInfo = Schemas['JobInfo'];
export type Step = Schemas['Step'];
export type Operation = Schemas['Operation'];
export type ComponentHealth = Schemas['ComponentHealth'];
export type ClusterStatus = Schemas['ClusterStatus'];
export type ComponentLine = Schemas['ComponentLine'];
export type ClusterSample = Schemas['ClusterSample'];
export type ClusterEvent = Schemas['ClusterEvent'];
export type MachineView = Schemas['MachineView'];
export type ContainerView = Schemas['ContainerView'];
export type Schedule = Schemas['Schedule'];
export type ScheduleRule = Schemas['ScheduleRule'];
export type ResultInfo = Schemas['ResultInfo'];
export type ResultPage = Schemas['ResultPage'];
export type FileList = Schemas['FileList'];
export type FileStatus = Schemas['FileStatus'];
export type Session = Schemas['Session'];
export type Scope = Schemas['Scope'];
