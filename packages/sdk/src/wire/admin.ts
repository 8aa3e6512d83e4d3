/** What operators and admins ask. */

export interface HealthResponse {
  readonly status: "healthy" | "panicked";
  readonly version: string;
  readonly uptime_seconds: number;
  /** How late the server's event loop has been in the last ten to twenty seconds, in milliseconds. */
  readonly event_loop_delay_ms: { readonly p99: number; readonly max: number };
}

export interface PoolStatus {
  readonly size: number;
  readonly idle: number;
  readonly starting: number;
  readonly leased: number;
  readonly leases_max: number;
  readonly waiting: number;
}

/** Why nothing runs. */
export interface PanicNote {
  readonly since: string;
  readonly reason: string;
}

export interface StatusResponse {
  readonly version: string;
  readonly panic: PanicNote | null;
  readonly pool: PoolStatus;
  readonly sessions: number;
  readonly stateless: number;
}

export interface PanicRequest {
  readonly reason?: string;
}

export interface PanicResponse {
  readonly status: "panicked";
  readonly since: string;
  readonly reason: string;
  readonly sandboxes: number | null;
  readonly processes: number | null;
  readonly sessions: number;
  readonly frozen_ms: number | null;
  readonly gone_ms: number | null;
  readonly total_ms: number;
  /** Whether every process was seen to be gone. */
  readonly verified: boolean;
  readonly remaining: { readonly sandboxes: number; readonly processes: number } | null;
  readonly problem?: string;
}

export interface ResumeResponse {
  readonly status: "running";
  readonly was_panicked: boolean;
  readonly panicked_since?: string;
  readonly reason?: string;
}

export interface SecurityHealthResponse {
  readonly status: "verified" | "failed";
  readonly failed: readonly string[];
  readonly protections: readonly {
    readonly name: string;
    readonly verified: boolean;
    readonly detail: string;
  }[];
  readonly sandboxes: {
    readonly checked: number;
    readonly faulty: readonly { readonly id: string; readonly problem: string }[];
  };
  readonly total_ms: number;
}

export interface Container {
  readonly id: string;
  readonly state: "warm" | "in_use";
  readonly owner: string | null;
  readonly session_id: string | null;
  readonly cpu_time: number;
  readonly memory_bytes: number;
  readonly memory_peak_bytes: number;
  readonly processes: number;
  readonly limits: { readonly memory_bytes: number; readonly cpus: number };
}

export interface ContainerList {
  readonly containers: readonly Container[];
}

export interface KillContainerResponse {
  readonly status: "killed";
  readonly id: string;
  readonly session_id: string | null;
  readonly total_ms: number;
}

export interface EndSessionsResponse {
  readonly status: "ended";
  readonly owners: readonly string[];
  readonly session_id: string;
  readonly total_ms: number;
}

export type KeyRole = "execute" | "admin";

export interface KeyQuotas {
  readonly sessions?: number;
  readonly requests_per_minute?: number;
  readonly cpu_seconds_per_hour?: number;
}

export interface CreateKeyRequest {
  readonly name: string;
  readonly role: KeyRole;
  readonly quotas?: KeyQuotas;
}

export interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly role: KeyRole;
  /** The first characters of the secret. */
  readonly prefix: string;
  readonly created_at: string;
  /** Who made it: the id of a key, or `admin`; null for keys of older servers. */
  readonly created_by: string | null;
  readonly last_used_at: string | null;
  readonly quotas: KeyQuotas;
}

export interface CreateKeyResponse extends KeyInfo {
  /** The secret, told this once. */
  readonly key: string;
}

export interface KeyWithUsage extends KeyInfo {
  readonly usage: {
    readonly sessions: number;
    readonly requests_per_minute: number;
    readonly cpu_seconds_per_hour: number;
  };
}

export interface KeyList {
  readonly keys: readonly KeyWithUsage[];
}
