// The client's calls about tokens and log-ins.
import { type CallOptions, signalOf } from './exchange.ts';
import {
  IssuedToken,
  LoginCode,
  type NewToken,
  type Rotation,
  Session,
  type TokenInfo,
  TokenInfoList,
} from './schemas.ts';
import { readData, settled, type TypedClient } from './typed-client.ts';

export interface AccessCalls {
  /** Who the caller's token belongs to. */
  session(options?: CallOptions): Promise<Session>;
  tokens(options?: CallOptions): Promise<TokenInfo[]>;
  addToken(token: NewToken, options?: CallOptions): Promise<IssuedToken>;
  revokeToken(name: string, options?: CallOptions): Promise<void>;
  rotateToken(name: string, rotation: Rotation, options?: CallOptions): Promise<IssuedToken>;
  createLoginCode(options?: CallOptions): Promise<LoginCode>;
}

export function accessCalls(api: TypedClient): AccessCalls {
  return {
    session: (call) => readData(Session, api.GET('/api/v1/session', { ...signalOf(call) })),
    tokens: async (call) => (await readData(TokenInfoList, api.GET('/api/v1/tokens', { ...signalOf(call) }))).tokens,
    addToken: ({ name, scope, validMs = null }, call) =>
      readData(IssuedToken, api.POST('/api/v1/tokens', { body: { name, scope, validMs }, ...signalOf(call) })),
    revokeToken: async (name, call) => {
      await settled(api.DELETE('/api/v1/tokens/{name}', { params: { path: { name } }, ...signalOf(call) }));
    },
    rotateToken: (name, { token }, call) => {
      const body = token === undefined ? {} : { token };
      const params = { path: { name } };
      return readData(IssuedToken, api.POST('/api/v1/tokens/{name}/rotate', { params, body, ...signalOf(call) }));
    },
    createLoginCode: (call) => readData(LoginCode, api.POST('/api/v1/login-codes', { ...signalOf(call) })),
  };
}
