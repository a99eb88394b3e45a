export interface paths {
    "/v1/access/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Explains whether a user may reach a target, and which rule decides. */
        get: operations["explain_access"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Creates or updates roles, targets, locks and users from YAML documents. All are authorised and checked before the first is
         *     applied.
         */
        post: operations["apply_resources"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how the archive stands, in figures; nothing of its content. */
        get: operations["read_archive_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/archive/rebuild": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes indexes of the archive anew from its data. Nothing is lost by it, whatever happens meanwhile. */
        post: operations["rebuild_archive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/archive/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Verifies every object of the archive, and its entries against the log's tree. */
        post: operations["verify_archive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/authorities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the certificate authorities and where their rotations stand. */
        get: operations["list_authorities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/authorities/host/sign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs a server's own host key, so that the gate knows the server by its certificate instead of a pinned key. */
        post: operations["sign_host_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/authorities/{kind}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the next step of an authority's rotation. */
        post: operations["rotate_authority"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a file on a target. */
        get: operations["read_remote_file"];
        /** Writes a file on a target; what the body holds is handed on as it comes. */
        put: operations["write_remote_file"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists a folder on a target. */
        get: operations["list_remote_files"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs a user in to the console and sets the cookie of the session. Only from a page of this Lodge. */
        post: operations["login_console"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the browser's session and takes its cookie away. */
        post: operations["logout_console"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the browser's session: who is signed in, and the token that changes must carry as `X-Lodge-CSRF`. */
        get: operations["read_console_session"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/console/terminal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Opens a shell on a target through the SSH gate, as a WebSocket of the console's own pages. They offer the sub-protocols
         *     `lodge-terminal-v1` and `lodge-csrf.<token>`, with the token of `GET /v1/console/session`. Why the gate refuses is told in
         *     the socket.
         */
        get: operations["open_terminal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Searches the log. Events are ordered by their own time. */
        get: operations["search_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/around": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an event and those that happened just before and after it, of those that the filter takes. */
        get: operations["read_events_around"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts events. */
        get: operations["count_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/histogram": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts events by interval, and by the values of a field. */
        get: operations["read_histogram"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follows the log: server-sent events, each with one event and its position as id. */
        get: operations["tail_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/top": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Ranks the values of a field by the events that have them. */
        get: operations["list_top_values"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/values": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists values of a field, to complete what is being typed: the most frequent first. */
        get: operations["list_values"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns one event. */
        get: operations["read_event"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the proof of one event, to be checked offline with the log's public key. */
        get: operations["prove_event"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ingest/{source}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes consecutive lines of a file. The answer follows once they are durable, each exactly once. */
        post: operations["ingest_records"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ingest/{source}/{beginning}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns how far files that begin so were taken. Shows no record. */
        get: operations["read_ingest_holdings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites/begin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sets the password and returns what to enrol in an authenticator. Nothing is spent until the second step. */
        post: operations["begin_invite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invites/finish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Confirms the authenticator with a code, spends the invite and returns recovery codes. */
        post: operations["finish_invite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the newest signed checkpoint. It tells the log's size and nothing of its content. */
        get: operations["read_checkpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Exports a contiguous range as an evidence bundle. The caller must be allowed to read the whole log. */
        get: operations["export_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/tiles/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns a tile, an entry bundle or the checkpoint by its C2SP tlog-tiles path. Leaves hold no payload. */
        get: operations["read_log_resource"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/log/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Verifies the whole log where it lies: every byte from payload to signed checkpoint. */
        post: operations["verify_log"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs a user in and certifies the keys of this login. Needs no certificate. */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends the caller's login; its certificates stop working at once. */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns this document. Needs no certificate. */
        get: operations["read_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/recordings/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Searches what terminals showed and commands wrote, the newest session first. Sessions that still run are searched for whoever
         *     may watch them.
         */
        get: operations["search_recordings"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/recordings/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Checks a recording chunk by chunk and against the root hash that the log holds. */
        get: operations["read_recording"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/recordings/{session}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Exports a recording in another form. */
        get: operations["export_recording"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/recordings/{session}/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the recording itself, to be played and verified by the client. Of a live session: what there is so far, for whoever
         *     may watch it too.
         */
        get: operations["watch_recording"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists sessions, newest first. */
        get: operations["list_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns one session. */
        get: operations["read_session"];
        put?: never;
        post?: never;
        /** Cuts a live session. */
        delete: operations["kill_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/watch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Follows the recording of a live session from its beginning until its seal, as its file has it. */
        get: operations["watch_session"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sql": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Runs a statement. `Accept` says in which form its rows come: `application/json` (the default), `application/x-ndjson`,
         *     `text/csv`, `application/vnd.apache.arrow.stream`, `application/vnd.apache.parquet`.
         */
        post: operations["run_statement"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns who the caller is, and how server and log are doing. */
        get: operations["read_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/targets/reachable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the targets that the caller may reach now, and under which logins. */
        get: operations["list_reachable_targets"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/trust": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns what a client needs before it can trust and reach this Lodge. Needs no certificate. */
        get: operations["read_trust"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the users. */
        get: operations["list_users"];
        put?: never;
        /** Creates a user and returns the single-use invite link. */
        post: operations["create_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns one user. */
        get: operations["read_user"];
        put?: never;
        post?: never;
        /** Deletes a user; logins and live sessions end at once. */
        delete: operations["delete_user"];
        options?: never;
        head?: never;
        /** Changes a user; what is absent stays. */
        patch: operations["update_user"];
        trace?: never;
    };
    "/v1/users/{name}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a user's logins and second factor and returns a new invite link. */
        post: operations["reset_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the roles, targets or locks. */
        get: operations["list_resources"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/{kind}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns one role, target or lock. */
        get: operations["read_resource"];
        put?: never;
        post?: never;
        /** Deletes one role, target or lock. */
        delete: operations["delete_resource"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description What applying one resource did. */
        Applied: {
            /** @description `created`, `updated` or `unchanged`. */
            change: string;
            /** @description The invite, when a user was created. */
            invite?: string | null;
            /** @description `role`, `target`, `lock` or `user`. */
            kind: string;
            /** @description Its name. */
            name: string;
        };
        /** @description What a rebuilding did. */
        ArchiveRebuilt: {
            /** @description Segments whose data are damaged. */
            problems: string[];
            /**
             * Format: int64
             * @description Indexes that were made anew.
             */
            rebuilt: number;
            /**
             * Format: int64
             * @description Segments that were looked at.
             */
            segments: number;
        };
        /** @description How the archive stands. */
        ArchiveStatus: {
            /** @description Segments that cannot be read, and why. */
            damaged: string[];
            /**
             * Format: int64
             * @description Bytes of their data.
             */
            data_bytes: number;
            /**
             * Format: int64
             * @description Entries in them.
             */
            entries: number;
            /**
             * Format: date-time
             * @description Since when.
             */
            failing_since?: string | null;
            /** @description What fails at present: sealing, merging or dropping. The log keeps what is not sealed. */
            failure?: string | null;
            /**
             * Format: int64
             * @description Bytes of their indexes.
             */
            index_bytes: number;
            /**
             * Format: int64
             * @description Bytes of those leaves.
             */
            leaves_bytes: number;
            /**
             * Format: int64
             * @description Entries of the log.
             */
            log_entries: number;
            /**
             * Format: date-time
             * @description Log time of the newest sealed entry.
             */
            newest?: string | null;
            /**
             * Format: int64
             * @description Entries that retention dropped; their leaves are kept.
             */
            pruned_entries: number;
            /**
             * Format: int64
             * @description Entries that are sealed, or sealed and dropped.
             */
            sealed: number;
            /**
             * Format: int64
             * @description Entries that can be searched, or were dropped.
             */
            searchable: number;
            /**
             * Format: int64
             * @description Segments whose entries are kept.
             */
            segments: number;
            /**
             * Format: int64
             * @description Segments whose index is missing or damaged; `lodge archive rebuild` makes it anew.
             */
            without_index: number;
        };
        /** @description What a verification of the archive's objects found. */
        ArchiveVerification: {
            /** @description Whether every entry was compared with the log's tree. */
            against_tree: boolean;
            /**
             * Format: int64
             * @description Entries that were read.
             */
            entries: number;
            /** @description What is wrong; empty when nothing. */
            problems: string[];
            /**
             * Format: int64
             * @description Dropped entries whose leaves were read.
             */
            pruned: number;
            /**
             * Format: int64
             * @description Segments that were looked at.
             */
            segments: number;
        };
        /** @description What happened around an event. */
        Around: {
            /** @description The events just after it. */
            after: components["schemas"]["EventRow"][];
            /** @description The events just before it, the earliest first. */
            before: components["schemas"]["EventRow"][];
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /** @description The event. */
            event: components["schemas"]["EventRow"];
        };
        /** @description A certificate authority. */
        Authority: {
            /** @description `user`, `host`, `gate` or `x509`. */
            kind: string;
            /** @description `steady`, `prepared` or `overlap`. */
            phase: string;
            /** @description Fingerprint of the key that signs. */
            signing: string;
            /** @description The keys that are trusted now: OpenSSH lines, or PEM. */
            trusted: string[];
        };
        /** @description A signed tree head. */
        Checkpoint: {
            /** @description The log's verifier key. */
            key: string;
            /** @description The signed note (C2SP tlog-checkpoint). */
            note: string;
            /**
             * Format: int64
             * @description Entries that it covers.
             */
            size: number;
        };
        /** @description A login to the console. */
        ConsoleLogin: {
            /** @description Six digits of the authenticator, or a recovery code. */
            code: string;
            /** @description User name. */
            name: string;
            /** @description Password. */
            password: string;
        };
        /** @description A browser's session. */
        ConsoleSession: {
            /** @description What every change must carry as `X-Lodge-CSRF`. */
            csrf_token: string;
            /**
             * Format: date-time
             * @description When the session ends.
             */
            expires: string;
            /** @description What of the API their roles allow now, such as `roles.update`; so that pages can say beforehand what would be refused. */
            may: string[];
            /**
             * Format: int32
             * @description Recovery codes that are left; told at login.
             */
            recovery_codes?: number | null;
            /** @description The roles that they have now. */
            roles: string[];
            /** @description Who is signed in. */
            user: string;
        };
        /** @description How many events there are. */
        Count: {
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /**
             * Format: int64
             * @description How many.
             */
            events: number;
        };
        /** @description What an answer covers. */
        Coverage: {
            /** @description Whether nothing within the question's range was left out. */
            complete: boolean;
            /**
             * Format: int64
             * @description First position that there is to search.
             */
            from: number;
            /**
             * Format: int64
             * @description Entries in the log.
             */
            size: number;
            /**
             * Format: int64
             * @description Position up to which all were searched.
             */
            to: number;
            /**
             * Format: int64
             * @description Entries that were met and could not be read as events; told only to readers from whom nothing is hidden.
             */
            unreadable?: number;
        };
        /** @description An event and its place in the log. */
        EventRow: {
            /** @description The event, byte for byte as it was stored and hashed. */
            event: Record<string, never>;
            /**
             * Format: date-time
             * @description When the log took it.
             */
            log_time: string;
            /**
             * Format: int64
             * @description Position in the log.
             */
            position: number;
        };
        /** @description A page of events. */
        Events: {
            /** @description The newest checkpoint: rows below its size can be proved. */
            checkpoint: string;
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /** @description The events. */
            events: components["schemas"]["EventRow"][];
            /** @description Where the page behind this one begins (`after`); absent when there is none. */
            next?: string | null;
            /** @description Where the page before this one ends (`before`); absent when there is none. */
            previous?: string | null;
        };
        /** @description Why a user may or may not reach a target. */
        Explanation: {
            /** @description Whether access would be allowed. */
            allowed: boolean;
            /** @description The whole reasoning, as data. */
            reasoning: Record<string, never>;
            /** @description The same, to read. */
            text: string;
        };
        /** @description Events over time. */
        Histogram: {
            /** @description The intervals in which something happened, in order; what lies between them is empty. */
            bars: components["schemas"]["HistogramBar"][];
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /**
             * Format: int64
             * @description Events in all.
             */
            events: number;
            /** @description The length of the intervals. */
            interval: string;
            /** @description The values by which bars are split, the most frequent first. */
            series: string[];
            /**
             * Format: date-time
             * @description From when on was searched; absent where nothing bounds it.
             */
            since?: string | null;
            /**
             * Format: date-time
             * @description Up to when; absent where nothing bounds it.
             */
            until?: string | null;
        };
        /** @description One interval. */
        HistogramBar: {
            /**
             * Format: date-time
             * @description The begin of the next.
             */
            end: string;
            /**
             * Format: int64
             * @description Events in it.
             */
            events: number;
            /**
             * Format: int64
             * @description Occurrences of values that are not among the series.
             */
            other: number;
            /** @description Events with each value of the series; an event with several values counts for each. */
            split: number[];
            /**
             * Format: date-time
             * @description Its begin.
             */
            start: string;
            /**
             * Format: int64
             * @description Events without any value.
             */
            without: number;
        };
        /** @description A signed host key. */
        HostCertificate: {
            /** @description Host certificate, OpenSSH format. */
            certificate: string;
        };
        /** @description A server's host key to certify. */
        HostCertificateRequest: {
            /** @description Names by which targets refer to the server (`hostKey.authority`); at least one. */
            names: string[];
            /** @description The server's public host key, OpenSSH format. */
            public_key: string;
            /**
             * Format: int64
             * @description Life in seconds; 365 days at most.
             */
            ttl_seconds: number;
        };
        /** @description What a file's content was. */
        IngestContent: {
            /** @description The file's name where it lay. */
            file: string;
            /**
             * Format: int64
             * @description Byte up to which the content was hashed.
             */
            offset: number;
            /** @description SHA-256 of the content up to there, hexadecimal. */
            sha256: string;
        };
        /** @description A file of which something was taken. */
        IngestFile: {
            content?: components["schemas"]["IngestContent"] | null;
            /** @description Its identity: its beginning, and a number where several files begin so. */
            identity: string;
            /**
             * Format: int64
             * @description Byte up to which it was taken.
             */
            taken: number;
        };
        /** @description Files that begin alike, as far as they were taken. */
        IngestFiles: {
            /** @description The files. */
            files: components["schemas"]["IngestFile"][];
        };
        /** @description What became of a batch. It is durable in the log. */
        IngestReceipt: {
            /**
             * Format: int64
             * @description Events that were appended, those of rejections included; none for a batch that was sent twice.
             */
            events: number;
            /**
             * Format: int64
             * @description Entries in the log.
             */
            log_size: number;
            /**
             * Format: int64
             * @description How many of them say that a record was rejected.
             */
            rejected: number;
            /**
             * Format: int64
             * @description Byte of the file up to which it was taken.
             */
            taken: number;
        };
        /** @description An invite. */
        Invite: {
            /**
             * Format: date-time
             * @description When it ends.
             */
            expires: string;
            /** @description The address to give to that person; `lodge login --invite` takes it. Shown once. */
            url: string;
            /** @description Whom it is for. */
            user: string;
        };
        /** @description The first step of using an invite. */
        InviteBegin: {
            /** @description The password to set: 12 characters or more. */
            password: string;
            /** @description The invite's token. */
            token: string;
        };
        /** @description What a finished invite gives. */
        InviteDone: {
            /** @description Single-use codes for the day when the authenticator is lost. Shown once. */
            recovery_codes: string[];
            /** @description User name. */
            user: string;
        };
        /** @description What to enrol in an authenticator. */
        InviteEnrolment: {
            /** @description Key in base32, for typing. */
            totp_secret: string;
            /** @description The same as an `otpauth://` address, for a QR code. */
            totp_uri: string;
            /** @description User name. */
            user: string;
        };
        /** @description The second step of using an invite. */
        InviteFinish: {
            /** @description Six digits of the authenticator. */
            code: string;
            /** @description The invite's token. */
            token: string;
        };
        /** @description How the audit log is doing. */
        LogStatus: {
            /**
             * Format: int64
             * @description Entries under the newest published checkpoint.
             */
            checkpoint_size: number;
            /**
             * Format: date-time
             * @description When that checkpoint was made.
             */
            checkpoint_time?: string | null;
            /**
             * Format: int64
             * @description Durable entries.
             */
            entries: number;
            /**
             * Format: int64
             * @description Bytes free on the log's disk.
             */
            free_bytes: number;
            /**
             * Format: int64
             * @description Bytes that wait for their sync.
             */
            queued_bytes: number;
            /** @description `ok`, `full` or `failed`. */
            state: string;
            /**
             * Format: int64
             * @description Bytes on disk.
             */
            stored_bytes: number;
        };
        /** @description What a login gives. */
        LoginGrant: {
            /**
             * Format: date-time
             * @description When login and certificates end.
             */
            expires: string;
            /** @description Id of the login. */
            login: string;
            /** @description SSH certificate, OpenSSH format. */
            ssh_certificate: string;
            /** @description TLS client certificate, PEM. */
            tls_certificate: string;
            /** @description User name. */
            user: string;
        };
        /** @description A login. */
        LoginRequest: {
            /** @description Six digits of the authenticator, or a recovery code. */
            code: string;
            /** @description Password. */
            password: string;
            /** @description Public key to certify, OpenSSH format. */
            ssh_public_key: string;
            /** @description Certificate signing request for the TLS key, PEM (PKCS #10). */
            tls_request: string;
            /**
             * Format: int64
             * @description Wanted life in seconds; 12 hours at most.
             */
            ttl_seconds?: number | null;
            /** @description User name. */
            user: string;
        };
        /** @description A user to create. */
        NewUser: {
            /** @description User name. */
            name: string;
            /** @description Roles. */
            roles: string[];
            /** @description Traits, which role templates use. */
            traits?: {
                [key: string]: string[];
            };
        };
        /** @description Says why a request failed (RFC 9457). */
        Problem: {
            /** @description Stable word for programs. */
            code: string;
            /** @description What happened this time and what to do next. */
            detail: string;
            /** @description Id of the request, which Lodge's own messages carry too. */
            request_id?: string | null;
            /**
             * Format: int32
             * @description HTTP status.
             */
            status: number;
            /** @description The same for every problem of this type. */
            title: string;
            /** @description Stable name of the problem: `https://lodge.dev/problems/<code>` is not fetched, only compared. */
            type: string;
        };
        /** @description A target that the caller may reach. */
        ReachableTarget: {
            /** @description Its labels. */
            labels: {
                [key: string]: string;
            };
            /** @description Accounts that the caller may use there. */
            logins: string[];
            /** @description Its name, for `ssh LOGIN@NAME`. */
            name: string;
        };
        /** @description A wish to make indexes anew. */
        RebuildArchive: {
            /** @description Which. */
            which?: components["schemas"]["RebuildScope"];
        };
        /**
         * @description Which indexes to make anew.
         * @enum {string}
         */
        RebuildScope: "unsound" | "all";
        /** @description What is known of a recording. */
        Recording: {
            /**
             * Format: int64
             * @description Bytes before compression.
             */
            bytes: number;
            /** @description What is wrong, when it is not. */
            damage?: string | null;
            /**
             * Format: int64
             * @description From first to last frame, in milliseconds.
             */
            duration_ms: number;
            /** @description Root hash as the audit log gives it. */
            logged_root?: string | null;
            /** @description Root hash as the recording itself gives it. */
            root?: string | null;
            /** @description Session id. */
            session: string;
            /** @description Whether every chunk was rechecked and both roots are the same. */
            verified: boolean;
        };
        /** @description One entry of a folder on a target. */
        RemoteEntry: {
            /**
             * Format: int64
             * @description Its size, as the target says.
             */
            bytes: number;
            /** @description `file`, `folder`, `link` or `other`. */
            kind: string;
            /**
             * Format: date-time
             * @description When it was last written, as the target says.
             */
            modified?: string | null;
            /** @description Its name; bytes that are not UTF-8 are replaced. */
            name: string;
        };
        /** @description A folder on a target. */
        RemoteFolder: {
            /** @description What is in it, in the target's order; 10,000 entries at most. */
            entries: components["schemas"]["RemoteEntry"][];
            /** @description Whether that is all. */
            is_whole: boolean;
            /** @description Its absolute path. */
            path: string;
        };
        /** @description A role, target or lock. */
        Resource: {
            /** @description The resource as it was applied. */
            document: Record<string, never>;
            /** @description `role`, `target` or `lock`. */
            kind: string;
            /** @description Its name. */
            name: string;
            /** @description Whether it is built in and cannot be changed. */
            preset?: boolean;
            /** @description The same as YAML, ready to be edited and applied. */
            yaml: string;
        };
        /** @description A step of a rotation. */
        Rotation: {
            /** @description Which step. */
            step: components["schemas"]["RotationStep"];
        };
        /**
         * @description Which step of a rotation.
         * @enum {string}
         */
        RotationStep: "prepare" | "overlap" | "complete" | "rollback";
        /** @description A line that a recording shows. */
        ScreenLine: {
            /**
             * Format: int64
             * @description When the line appeared, in milliseconds from then on.
             */
            at_ms: number;
            /**
             * Format: int32
             * @description Number of the channel within the session.
             */
            channel: number;
            /** @description Account there. */
            login: string;
            /** @description Session id. */
            session: string;
            /**
             * Format: date-time
             * @description When the session began.
             */
            started: string;
            /** @description Where it goes. */
            target: string;
            /** @description What it says. */
            text: string;
            /** @description Whose session it is. */
            user: string;
        };
        /** @description Lines that recordings show. */
        ScreenLines: {
            /** @description Where sessions were looked for. */
            coverage: components["schemas"]["Coverage"];
            /** @description Sessions whose recordings could not be searched because they are damaged; checking one says what is wrong. */
            damaged: string[];
            /** @description The lines, the newest session first, by time within a session; at most 100 of one session. */
            lines: components["schemas"]["ScreenLine"][];
            /** @description Sessions of which only the first 100 lines are shown, though there are more. */
            more_in: string[];
            /** @description Where to go on; absent at the end. */
            next?: string | null;
            /**
             * Format: int64
             * @description How many sessions were looked into.
             */
            sessions_searched: number;
        };
        /** @description A session, live or past. */
        Session: {
            /**
             * Format: int64
             * @description Bytes from client to target.
             */
            bytes_in: number;
            /**
             * Format: int64
             * @description Bytes from target to client.
             */
            bytes_out: number;
            /**
             * Format: date-time
             * @description When it ended; absent while it is live.
             */
            ended?: string | null;
            /** @description What ended it. */
            ended_by?: string | null;
            /** @description Session id. */
            id: string;
            /** @description Account there. */
            login: string;
            /** @description Where the client was. */
            origin?: string | null;
            /** @description Root hash of the recording. */
            recording_root?: string | null;
            /**
             * Format: date-time
             * @description When it began.
             */
            started: string;
            /** @description Where it goes. */
            target: string;
            /** @description Whose it is. */
            user: string;
        };
        /** @description A page of sessions. */
        Sessions: {
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /** @description Where to go on; absent at the end. */
            next?: string | null;
            /** @description The sessions, newest first. */
            sessions: components["schemas"]["Session"][];
        };
        /** @description A statement. */
        SqlStatement: {
            /** @description One statement; docs/sql.md lists the tables. */
            statement: string;
            /**
             * Format: int32
             * @description Seconds that it may take until its last row is taken: 1 to 300, 30 when absent.
             */
            timeout?: number | null;
            /**
             * @description Zone in which dates and times without a zone are read, and times are shown: `Europe/Berlin`, `+02:00`; of several,
             *     parted by commas, the first that the server knows. UTC when absent.
             */
            zone?: string | null;
        };
        /** @description How this Lodge is doing. */
        Status: {
            /**
             * Format: date-time
             * @description When the caller's certificate ends, RFC 3339.
             */
            expires: string;
            /**
             * Format: int64
             * @description Sessions that are open now.
             */
            live_sessions: number;
            /** @description The audit log. */
            log: components["schemas"]["LogStatus"];
            /** @description Name of this node. */
            node: string;
            /** @description Roles of who is asking. */
            roles: string[];
            /** @description Who is asking. */
            user: string;
            /** @description Release. */
            version: string;
        };
        /** @description The most frequent values of a field. */
        Top: {
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /**
             * Format: int64
             * @description How many different values there are.
             */
            distinct: number;
            /**
             * Format: int64
             * @description Events in all.
             */
            events: number;
            /**
             * Format: int64
             * @description Occurrences of all other values.
             */
            other: number;
            /** @description The values, the most frequent first. */
            values: components["schemas"]["TopValue"][];
            /**
             * Format: int64
             * @description Events without any value.
             */
            without: number;
        };
        /** @description A value and how many events have it. */
        TopValue: {
            /**
             * Format: int64
             * @description Events with it.
             */
            events: number;
            /** @description The value. */
            value: string;
        };
        /** @description What a client needs before it can trust and reach this Lodge. Public. */
        Trust: {
            /** @description The log's verifier key (C2SP signed-note). */
            log_key: string;
            /** @description Name or address under which Lodge is reached. */
            public_host: string;
            /** @description SSH gate authorities, OpenSSH public keys; what targets put in `TrustedUserCAKeys`. */
            ssh_gate_authorities: string[];
            /** @description SSH host authorities, OpenSSH public keys; what `@cert-authority` lines name. */
            ssh_host_authorities: string[];
            /**
             * Format: int32
             * @description Port of the SSH gate.
             */
            ssh_port: number;
            /** @description X.509 authorities, PEM; compare the fingerprint before trusting them. */
            x509_authorities: string;
            /** @description Fingerprint of the first X.509 authority, `sha256:<hex>` of its DER. */
            x509_fingerprint: string;
        };
        /** @description A user. */
        User: {
            /**
             * Format: date-time
             * @description When the user was created.
             */
            created: string;
            /**
             * Format: date-time
             * @description Until when tries to sign in are refused.
             */
            locked_until?: string | null;
            /** @description User name. */
            name: string;
            /**
             * Format: int32
             * @description Recovery codes that are left.
             */
            recovery_codes: number;
            /** @description Roles. */
            roles: string[];
            /** @description `invited`, `active` or `disabled`. */
            status: string;
            /** @description Traits, which role templates use. */
            traits: {
                [key: string]: string[];
            };
        };
        /** @description Changes to a user; what is absent stays. */
        UserChange: {
            /** @description Whether the user may not sign in. */
            disabled?: boolean | null;
            /** @description Roles. */
            roles?: string[] | null;
            /** @description Traits. */
            traits?: {
                [key: string]: string[];
            } | null;
        };
        /** @description Values of a field. */
        Values: {
            /** @description What was searched. */
            coverage: components["schemas"]["Coverage"];
            /**
             * Format: int64
             * @description How many different values there are.
             */
            distinct: number;
            /** @description The values, the most frequent first. */
            values: string[];
        };
        /** @description What a verification found. */
        Verification: {
            /** @description What is wrong; empty when nothing. */
            damage: string[];
            /**
             * Format: int64
             * @description Entries that were checked.
             */
            entries: number;
            /** @description `detecting`, `evident` or `witnessed`. */
            level: string;
            /**
             * Format: int64
             * @description Size of the checkpoint.
             */
            tree_size: number;
        };
        /**
         * @description Which come first.
         * @enum {string}
         */
        WhichFirst: "newest" | "oldest";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    explain_access: {
        parameters: {
            query: {
                /** @description User. */
                user: string;
                /** @description Target. */
                target: string;
                /** @description Login on the target. */
                login?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
        };
    };
    apply_resources: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/yaml": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Applied"][];
                };
            };
        };
    };
    read_archive_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArchiveStatus"];
                };
            };
        };
    };
    rebuild_archive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RebuildArchive"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArchiveRebuilt"];
                };
            };
        };
    };
    verify_archive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ArchiveVerification"];
                };
            };
        };
    };
    list_authorities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Authority"][];
                };
            };
        };
    };
    sign_host_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostCertificateRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostCertificate"];
                };
            };
        };
    };
    rotate_authority: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `user`, `host`, `gate` or `x509` */
                kind: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Rotation"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Authority"];
                };
            };
        };
    };
    read_remote_file: {
        parameters: {
            query: {
                /** @description The target's name. */
                target: string;
                /** @description Account on the target. */
                login: string;
                /** @description Path on the target; one that is not absolute begins in the home folder. */
                path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    write_remote_file: {
        parameters: {
            query: {
                /** @description The target's name. */
                target: string;
                /** @description Account on the target. */
                login: string;
                /** @description Path on the target; one that is not absolute begins in the home folder. */
                path?: string;
                /** @description Whether a file that exists is replaced; refused otherwise. */
                overwrite?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_remote_files: {
        parameters: {
            query: {
                /** @description The target's name. */
                target: string;
                /** @description Account on the target. */
                login: string;
                /** @description Path on the target; one that is not absolute begins in the home folder. */
                path?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RemoteFolder"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login_console: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConsoleLogin"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleSession"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logout_console: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    read_console_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleSession"];
                };
            };
        };
    };
    open_terminal: {
        parameters: {
            query: {
                /** @description The target's name. */
                target: string;
                /** @description Account on the target. */
                login: string;
                /** @description Characters in a row; 1000 at most. */
                columns?: number;
                /** @description Rows; 1000 at most. */
                rows?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    search_events: {
        parameters: {
            query?: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`. */
                since?: string | null;
                /** @description Only events before this time. */
                until?: string | null;
                /**
                 * @description Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
                 *     the server knows. UTC when absent.
                 */
                zone?: string | null;
                /** @description Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so. */
                timeout?: number | null;
                /** @description `newest` (first, the default) or `oldest`. */
                order?: components["schemas"]["WhichFirst"];
                /** @description Rows of a page; 1000 at most. */
                limit?: number;
                /** @description The page behind this place: `next` of the page before. */
                after?: string | null;
                /** @description The page that ends before this place: `previous` of the page behind. */
                before?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Events"];
                };
            };
        };
    };
    read_events_around: {
        parameters: {
            query: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`. */
                since?: string | null;
                /** @description Only events before this time. */
                until?: string | null;
                /**
                 * @description Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
                 *     the server knows. UTC when absent.
                 */
                zone?: string | null;
                /** @description Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so. */
                timeout?: number | null;
                /** @description The event's id, or its position in the log. */
                id: string;
                /** @description How many events on each side; 1000 at most. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Around"];
                };
            };
        };
    };
    count_events: {
        parameters: {
            query?: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`. */
                since?: string | null;
                /** @description Only events before this time. */
                until?: string | null;
                /**
                 * @description Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
                 *     the server knows. UTC when absent.
                 */
                zone?: string | null;
                /** @description Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so. */
                timeout?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Count"];
                };
            };
        };
    };
    read_histogram: {
        parameters: {
            query?: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`. */
                since?: string | null;
                /** @description Only events before this time. */
                until?: string | null;
                /**
                 * @description Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
                 *     the server knows. UTC when absent.
                 */
                zone?: string | null;
                /** @description Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so. */
                timeout?: number | null;
                /** @description `minute`, `hour`, `day`, `week`, `month`, `year`, like `5m`, `15s`, `3h`, or about how many there should be. */
                interval?: string;
                /** @description Field by whose values each interval is split. */
                split?: string | null;
                /** @description How many values of it are told apart; the rest is `other`. */
                series?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Histogram"];
                };
            };
        };
    };
    tail_events: {
        parameters: {
            query?: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Zone in which dates of the filter are read, as for a search; UTC when absent. */
                zone?: string | null;
                /** @description Position to begin at; the log's end when absent. */
                from?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    list_top_values: {
        parameters: {
            query: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`. */
                since?: string | null;
                /** @description Only events before this time. */
                until?: string | null;
                /**
                 * @description Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
                 *     the server knows. UTC when absent.
                 */
                zone?: string | null;
                /** @description Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so. */
                timeout?: number | null;
                /** @description The field, as a filter names it. */
                field: string;
                /** @description How many values; 10000 at most. */
                limit?: number;
                /** @description What values begin with, in any letter case. */
                prefix?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Top"];
                };
            };
        };
    };
    list_values: {
        parameters: {
            query: {
                /** @description Filter in the language of docs/filter.md; everything when empty. */
                filter?: string;
                /** @description Only events from this time on, by their own time: RFC 3339, a date, or like `now-24h`. */
                since?: string | null;
                /** @description Only events before this time. */
                until?: string | null;
                /**
                 * @description Zone in which dates are read and days begin: `Europe/Berlin`, `+02:00`; of several, parted by commas, the first that
                 *     the server knows. UTC when absent.
                 */
                zone?: string | null;
                /** @description Seconds that may be searched, 1 to 300, 30 when absent; what was found by then is the answer, and its coverage says so. */
                timeout?: number | null;
                /** @description The field, as a filter names it. */
                field: string;
                /** @description How many values; 10000 at most. */
                limit?: number;
                /** @description What values begin with, in any letter case. */
                prefix?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Values"];
                };
            };
        };
    };
    read_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the event's id, or its position in the log */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventRow"];
                };
            };
        };
    };
    prove_event: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description the event's id, or its position in the log */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    ingest_records: {
        parameters: {
            query: {
                /** @description Name of the reporting system. */
                name: string;
                /** @description Identity of the file. */
                identity: string;
                /** @description The file's name where it lies. */
                file: string;
                /** @description Names the sending: the same for all batches that one program sends of the file. */
                run: string;
                /** @description Byte of the file at which the batch begins. */
                offset: number;
                /** @description Byte behind it. */
                end: number;
                /** @description Number of its first line, counted from 1. */
                line: number;
                /** @description SHA-256 of the file up to `offset`, hexadecimal. */
                before: string;
                /** @description SHA-256 of the file up to `end`, hexadecimal. */
                after: string;
                /** @description Whether the file ends here, as far as is known. */
                last?: boolean;
                /** @description Length of a line that is too long to be sent, of which the body is the beginning. */
                cut?: number | null;
            };
            header?: never;
            path: {
                /** @description `kubernetes` or `ndjson` */
                source: string;
            };
            cookie?: never;
        };
        /** @description whole lines, as they stand in the file */
        requestBody: {
            content: {
                "application/octet-stream": string;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestReceipt"];
                };
            };
            /** @description `ingest_place`: the file stands elsewhere; `ingest_content`: it is another file */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description try again shortly */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `log_full`: the log's disk is nearly full; make room before trying again */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    read_ingest_holdings: {
        parameters: {
            query: {
                /** @description Name of the reporting system. */
                name: string;
            };
            header?: never;
            path: {
                /** @description `kubernetes` or `ndjson` */
                source: string;
                /** @description first 16 bytes of the SHA-256 of the first line, hexadecimal */
                beginning: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IngestFiles"];
                };
            };
        };
    };
    begin_invite: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteBegin"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InviteEnrolment"];
                };
            };
        };
    };
    finish_invite: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteFinish"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InviteDone"];
                };
            };
        };
    };
    read_checkpoint: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Checkpoint"];
                };
            };
        };
    };
    export_log: {
        parameters: {
            query?: {
                /** @description First position. */
                from?: number;
                /** @description Position after the last; the newest checkpoint's size when absent. */
                to?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": unknown;
                };
            };
        };
    };
    read_log_resource: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description such as `tile/0/x001/234` or `checkpoint` */
                path: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
        };
    };
    verify_log: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Verification"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginGrant"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    read_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    search_recordings: {
        parameters: {
            query: {
                /** @description Words, phrases in quotes, `and`, `or`, `not`: free text of the filter language; it is asked of each line. */
                text: string;
                /** @description Only recordings of sessions whose start this filter takes. */
                filter?: string;
                /** @description Only sessions that began at this time or later. */
                since?: string | null;
                /** @description Only sessions that began before this time. */
                until?: string | null;
                /** @description Zone in which dates are read, as for a search; UTC when absent. */
                zone?: string | null;
                /** @description Lines of an answer; 1000 at most. */
                limit?: number;
                /** @description Where the answer before ended. */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ScreenLines"];
                };
            };
        };
    };
    read_recording: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recording"];
                };
            };
        };
    };
    export_recording: {
        parameters: {
            query: {
                /** @description `asciicast-v2`, `asciicast-v3`, `text` or `json`. */
                format: string;
                /** @description Which channel; the first terminal when absent. */
                channel?: number | null;
            };
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
        };
    };
    watch_recording: {
        parameters: {
            query?: {
                /** @description `terminal`, `text`, `json`, … */
                format?: string;
                /** @description From where, in milliseconds. */
                from_ms?: number;
            };
            header?: never;
            path: {
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
        };
    };
    list_sessions: {
        parameters: {
            query?: {
                /** @description Only sessions that are open now. */
                live?: boolean;
                /** @description Filter on the session's start. */
                filter?: string;
                /** @description Only sessions that began at this time or later. */
                since?: string | null;
                /** @description Only sessions that began before this time. */
                until?: string | null;
                /** @description Zone in which dates are read, as for a search; UTC when absent. */
                zone?: string | null;
                /** @description Sessions of a page; 1000 at most. */
                limit?: number;
                /** @description Where the page before ended. */
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sessions"];
                };
            };
        };
    };
    read_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    kill_session: {
        parameters: {
            query?: {
                /** @description A sentence for the person whose session it is, and for the log; at most 500 characters. */
                reason?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    watch_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    run_statement: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SqlStatement"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    read_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    list_reachable_targets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReachableTarget"][];
                };
            };
        };
    };
    read_trust: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trust"];
                };
            };
        };
    };
    list_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"][];
                };
            };
        };
    };
    create_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invite"];
                };
            };
        };
    };
    read_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    delete_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    update_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserChange"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    reset_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invite"];
                };
            };
        };
    };
    list_resources: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `roles`, `targets` or `locks` */
                kind: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resource"][];
                };
            };
        };
    };
    read_resource: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `roles`, `targets` or `locks` */
                kind: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resource"];
                };
            };
        };
    };
    delete_resource: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `roles`, `targets` or `locks` */
                kind: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
