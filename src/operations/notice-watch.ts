// Which machines go soon, as their agents say. Nobody waits for an agent: what one said last is what is known of it.
import type { AgentClients } from '../adapters/agent/agent-client.ts';
import type { Notice } from '../adapters/agent/agent-protocol.ts';
import { connectAgent } from './fleet.ts';

export interface StandingAgent {
  /** `agent-big` */
  readonly service: string;
  readonly machineId: string;
}

export interface NoticeWatch {
  /**
   * What each machine said last, by id: its notice, or null for none; those that never answered are left out. Asks all of
   * them anew and returns at once.
   */
  look(): ReadonlyMap<string, Notice | null>;
}

export interface NoticeWatchParts {
  /** Null where there is one machine. */
  readonly agents: Pick<AgentClients, 'connect'> | null;
  /** Agents that were deployed last. */
  readonly standing: () => readonly StandingAgent[];
}

/** Longer than a busy machine takes; one that is silent has one question open and no more. */
const answerTimeoutMs = 10_000;

export function createNoticeWatch({ agents, standing }: NoticeWatchParts): NoticeWatch {
  const heard = new Map<string, Notice | null>();
  const asked = new Set<string>();

  const ask = async (from: Pick<AgentClients, 'connect'>, { service, machineId }: StandingAgent): Promise<void> => {
    if (asked.has(machineId)) return;
    asked.add(machineId);
    try {
      heard.set(machineId, await connectAgent(from, service).notice({ timeoutMs: answerTimeoutMs }));
    } catch {
      // Away, or of a version that knows no notices: the Swarm tells what becomes of it.
    } finally {
      asked.delete(machineId);
    }
  };

  return {
    look: () => {
      if (agents === null) return heard;
      const all = standing();
      const present = new Set(all.map(({ machineId }) => machineId));
      for (const machineId of heard.keys()) if (!present.has(machineId)) heard.delete(machineId);
      for (const one of all) void ask(agents, one);
      return new Map(heard);
    },
  };
}
